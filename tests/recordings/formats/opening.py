"""What opening a file takes, measured in a process of its own."""

from pathlib import Path

from tests.runs import printed_by

MEASURE = """
import resource, sys, tracemalloc
sys.path.insert(0, {root!r})
from pathlib import Path
from netxr.recordings.formats import {module} as module
def load(path): return module.{call}
load(Path({small!r}))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
tracemalloc.start()
loaded = load(Path({large!r}))
print(tracemalloc.get_traced_memory()[1] / 2**20, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def opening_takes(module, call, small, large):
    """Return the MiB that opening `large` takes at its peak, by Python and by the system, after `small` was opened."""
    root = str(Path(__file__).parents[3])
    code = MEASURE.format(root=root, module=module, call=call, small=str(small), large=str(large))
    return tuple(map(float, printed_by(code).split()))
