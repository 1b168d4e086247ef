import threading
import warnings

import pytest

from netxr.schema.warned import warn, warnings_heard


def heard_of(*texts):
    """What becomes of these, beside one more that another thread warns of."""
    with warnings_heard() as heard:
        for text in texts:
            warn(text, stacklevel=1)
        other = threading.Thread(target=warn, args=("there",), kwargs={"stacklevel": 1})
        other.start()
        other.join()
    return heard


def test_warnings_of_a_thread_that_listens_become_a_list_and_those_of_others_stay_warnings():
    filters = list(warnings.filters)
    with pytest.warns(UserWarning, match="there") as elsewhere:
        assert heard_of("here", "here", "once more") == ["here", "once more"]
    assert [str(one.message) for one in elsewhere] == ["there"]
    assert warnings.filters == filters
    with pytest.warns(UserWarning, match="after it") as later:
        warn("after it", stacklevel=1)
    assert later[0].filename == __file__
