"""Work on a store by a process that dies, or finds the disk full, just before a chosen operation on files.

Run as a script, it waits for orders, and obeys each in a fork of its own: what a fork would have to import is there.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from errno import ENOSPC
from pathlib import Path
from types import SimpleNamespace

HOOKED = {"os.mkdir", "os.rename", "os.link", "os.remove", "os.rmdir"}
CREATING = {"open", "os.mkdir", "os.link"}
"""Operations that take room; a new name in the place of another takes none."""


IMPORTED = ("add", "append", "convert", "lagged_correlation", "lagged_moments", "open", "save", "simulate", "sweep")
"""What netxr imports when it is first asked for; a fork would take most of its time for that."""


class Workshop:
    """A process that does work in forks: the functions of a script, each called with a path."""

    def __init__(self, script):
        command = [sys.executable, "-W", "ignore", __file__, str(script)]
        environment = os.environ | {
            "OPENBLAS_NUM_THREADS": "1",
            "DASK_NUM_WORKERS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self.process = subprocess.Popen(  # noqa: S603 - runs this interpreter
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def do(self, work, path, *, at=None, how="kill", after=None):
        """Do `work` on what is in the folder of `path`, and return what came of it.

        It ends before operation number `at`, or `after` some seconds. With "full" in the place of "kill", it finds the
        disk full from there on; with "limit", no file may be longer than `at` bytes. What is returned holds the
        `operations` that were begun, the `error` if it came to one, whether it `died`, and the `seconds` that it took.
        """
        order = {"work": work, "path": str(path), "at": at, "how": how, "after": after}
        began = time.monotonic()
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        outcome = json.loads(self.process.stdout.readline())
        return SimpleNamespace(**outcome, seconds=time.monotonic() - began)


@contextmanager
def workshop(script):
    """Yield a process that does the functions of a script, each called with a path."""
    shop = Workshop(script)
    try:
        yield shop
    finally:
        shop.process.stdin.close()
        shop.process.wait(60)
        shop.process.stdout.close()


def hook(folder, at, how, operations):
    """Count operations that change a folder, and strike at one of them."""

    def noticed(event, args):
        if event == "open":
            changes = isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        else:
            changes = event in HOOKED
        if not changes or isinstance(args[0], int):
            return
        path = os.fsdecode(args[0])
        if path.startswith("/") and not path.startswith(folder):
            return
        if at is not None and len(operations) >= at:
            if how == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if event in CREATING and not (event == "os.mkdir" and Path(path).exists()):
                raise OSError(ENOSPC, "No space left on device", path)
        operations.append(f"{event} {path.removeprefix(folder)}")

    sys.addaudithook(noticed)


def obey(order, works, answer):
    """Do what was ordered, in a fork."""
    operations, error = [], ""
    if order["how"] == "limit":
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["at"], order["at"]))
    elif order["after"] is None:
        hook(str(Path(order["path"]).parent), order["at"], order["how"], operations)
    try:
        works[order["work"]](Path(order["path"]))
    except BaseException as raised:  # also Ctrl-C
        error = type(raised).__name__ + f": {raised}"
    outcome = json.dumps({"operations": operations, "error": error, "died": False})
    os.write(answer, outcome.encode())
    os._exit(0)


def main():
    """Obey orders."""
    import runpy

    import xarray as xr

    import netxr

    for name in IMPORTED:
        getattr(netxr, name)
    xr.backends.list_engines()
    works = runpy.run_path(sys.argv[1])
    for line in sys.stdin:
        order = json.loads(line)
        read, write = os.pipe()
        child = os.fork()
        if not child:
            os.close(read)
            obey(order, works, write)
        os.close(write)
        if order["after"] is not None:
            time.sleep(order["after"])
            os.kill(child, signal.SIGKILL)  # an ended child is known by this number until it is waited for
        with os.fdopen(read) as answer:
            outcome = answer.read()
        os.waitpid(child, 0)
        print(outcome or json.dumps({"operations": [], "error": "", "died": True}), flush=True)


if __name__ == "__main__":
    main()
