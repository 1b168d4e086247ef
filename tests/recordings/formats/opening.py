"""What opening a file takes, measured in this process, or in one of its own, of which the system tells as well."""

import tracemalloc
import warnings
from importlib import import_module
from pathlib import Path

from tests.runs import printed_by

ROOT = Path(__file__).parents[3]


def opening_takes(name, small, large, *, apart=False, **options):
    """Return the MiB that opening `large` takes at its peak, by Python and by the system, after `small` was opened."""
    if not apart:
        return measure(name, small, large, **options)
    code = "import sys; from tests.recordings.formats.opening import measure; print(*measure(*sys.argv[1:], **{}))"
    return tuple(map(float, printed_by(code.format(options), name, small, large, folder=ROOT).split()))


def measure(name, small, large, **options):
    """Measure a function of a module of formats; what it returns is held meanwhile."""
    from resource import RUSAGE_SELF, getrusage  # there is none on Windows

    module, function = name.rsplit(".", 1)
    load = getattr(import_module(f"netxr.recordings.formats.{module}"), function)
    load(Path(small), **options)
    before = getrusage(RUSAGE_SELF).ru_maxrss
    tracemalloc.start()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # nobody wrote the samples of a large file
            loaded = load(Path(large), **options)
        traced, resident = tracemalloc.get_traced_memory()[1], getrusage(RUSAGE_SELF).ru_maxrss - before
    finally:
        tracemalloc.stop()
    assert loaded is not None
    return traced / 2**20, resident / 1024
