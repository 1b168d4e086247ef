import gc
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import find, settings
from hypothesis.strategies import just

from tests.estimators.third import install
from tests.marks import thin_out

SHARED = Path(__file__).parents[2] / "shared"

# A shared machine is slow at times: that is no failure. The same examples every time: a failure is repeated by a rerun.
# `-m "slow or hypothesis" --hypothesis-profile thorough` tries many more.
settings.register_profile("netxr", deadline=None, derandomize=True, max_examples=6)
settings.register_profile("thorough", settings.get_profile("netxr"), max_examples=30)
settings.load_profile("netxr")

# What nohup starts in the background ignores Ctrl-C, and so would the processes that tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    """Give each of several processes one BLAS thread: threads of more than there are cores wait for one another."""
    if config.getoption("numprocesses", None):
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read by the processes when they load NumPy
        config.option.loadscopereorder = False  # files of few tests come last otherwise, and the slowest are among them


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark slow what crossed parameters show twice, before slow tests are left out."""
    thin_out(items)


def pytest_collection_finish() -> None:
    """Keep modules and tests, which stay to the end, out of every search for garbage."""
    find(just(None), lambda _: True)  # once it has run, hypothesis looks no more for who holds the random states
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module")
def third(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder on sys.path in which a package brings an estimator."""
    folder = tmp_path_factory.mktemp("third")
    install(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield folder


@pytest.fixture(scope="session")
def golden() -> Any:
    """The reference values of the tutorial."""
    path = SHARED / "tutorial" / "golden.json"
    if not path.exists():
        pytest.skip(f"no reference values at {path}")
    return json.loads(path.read_text())
