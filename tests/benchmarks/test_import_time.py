"""The time until the command line answers, against NumPy's own import."""

import subprocess
import sys
from importlib.util import find_spec

import pytest

from tests.benchmarks.timing import FULL, best_of, show

pytestmark = pytest.mark.benchmark


def run(code):
    return lambda: subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)  # noqa: S603


def test_help_comes_at_once():
    if find_spec("netxr.cli") is None:
        pytest.skip("no command line yet")
    if not hasattr(pytest.importorskip("netxr.cli"), "main"):
        pytest.skip("no command line yet")
    tasks = {
        "netxr --help": run("from netxr.cli import main; main(['--help'])"),
        "import netxr": run("import netxr"),
        "import numpy": run("import numpy"),
        "python alone": run("pass"),
    }
    costs = best_of(10 if FULL else 1, tasks)
    show("until help is printed", costs, ratios={"help / numpy": ("netxr --help", "import numpy", "about 1 or less")})
