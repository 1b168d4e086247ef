import holoviews as hv
import matplotlib.pyplot as plt
import pytest

from netxr.errors import InvalidInput, OutputExists
from netxr.plot import compare, save


@pytest.mark.parametrize(
    ("ending", "magic"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF"), ("PNG", b"\x89PNG")]
)
def test_the_ending_is_the_format(tmp_path, random_pair, ending, magic):
    before = hv.Store.current_backend
    path = save(compare(*random_pair, score=0.5), tmp_path / f"figure.{ending}")
    assert path.read_bytes().startswith(magic)
    assert hv.Store.current_backend == before
    assert plt.get_fignums() == []


def test_a_file_is_never_overwritten(tmp_path, random_pair):
    path = tmp_path / "figure.png"
    path.write_text("mine")
    with pytest.raises(OutputExists, match=r"figure.png exists"):
        save(compare(*random_pair), path)
    assert path.read_text() == "mine"


@pytest.mark.parametrize(("name", "message"), [("figure.gif", r"\.png, \.svg or \.pdf"), ("no/figure.png", "folder")])
def test_other_formats_and_missing_folders_are_refused(tmp_path, random_pair, name, message):
    with pytest.raises(InvalidInput, match=message):
        save(compare(*random_pair), tmp_path / name)
    assert list(tmp_path.iterdir()) == []
