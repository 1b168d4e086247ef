"""What netxr raises when it cannot do what it was asked."""

import re
from functools import partial
from typing import Any, Final

NUMPY: Final = re.compile(r"\bnp\.(?:[a-z]+(?:\d+|_)\(('[^']*'|[^()]*)\)|(True|False)_)")
"""A scalar as NumPy writes it: the value of np.int64(0), np.str_('a'), np.True_ stands in a group."""


class NetxrError(Exception):
    """Anything that netxr itself refuses or fails at.

    Between processes, exceptions are otherwise rebuilt from their message alone: those with other arguments keep them.
    """

    _given: tuple[tuple[Any, ...], dict[str, Any]] | None = None

    def __reduce__(self) -> Any:
        """Travel between processes."""
        return super().__reduce__() if self._given is None else (partial(type(self), **self._given[1]), self._given[0])


class InvalidInput(NetxrError, ValueError):
    """An argument that cannot be used, with what came, what was expected and the fix.

    Parameters
    ----------
    argument : str
        Name of the argument as the caller wrote it.
    got : str
        What came.
    expected : str
        What would have been right.
    fix : str, optional
        What to do about it, a sentence of its own.
    """

    def __init__(self, argument: str, *, got: str, expected: str, fix: str = "") -> None:
        self.argument = argument
        self._given = (argument,), {"got": got, "expected": expected, "fix": fix}
        super().__init__(plain(f"{argument}: got {got}; expected {expected}." + (f" {fix}" if fix else "")))

    def about(self, argument: str, **said: str) -> "InvalidInput":
        """Return the same error about the argument that the caller wrote, with some of it said in other words."""
        _, before = self._given or ((), {})
        return type(self)(argument, **before | said)


class NonFiniteActivity(InvalidInput):
    """NaN or infinity in a recording, with how many and where the first one is."""


class DependentSources(InvalidInput):
    """Sources of a regression of which some are what others add up to."""


class OutputExists(NetxrError, FileExistsError):
    """An output path that is taken: nothing is overwritten unasked."""

    def __init__(self, path: object, *, fix: str = "Choose another path, or remove it first.") -> None:
        self._given = (path,), {"fix": fix}
        super().__init__(f"{path} exists and is left as it is. {fix}")


class UnreadableFile(NetxrError):
    """A file or store that is missing, damaged, or not what its name promises."""

    def __init__(self, path: object, reason: str, *, fix: str = "") -> None:
        self._given = (path, reason), {"fix": fix}
        super().__init__(plain(f"{path}: {reason}." + (f" {fix}" if fix else "")))


class StoreBusy(NetxrError):
    """A store that another process, or another part of this one, is writing to."""

    def __init__(
        self,
        path: object,
        reason: str = "it is being written to by another process",
        *,
        fix: str = "Wait until it has ended, and try again.",
    ) -> None:
        self._given = (path, reason), {"fix": fix}
        super().__init__(f"{path}: {reason}. {fix}")


class CannotLock(NetxrError):
    """A place where no other writer could be kept out, so that nothing is written."""

    def __init__(self, path: object, reason: str, *, fix: str) -> None:
        self._given = (path, reason), {"fix": fix}
        super().__init__(f"{path}: it cannot be locked against other writers ({reason}). {fix}")


class DiskFull(NetxrError, OSError):
    """No room for what was to be written; what had been committed before is as it was."""

    def __init__(self, path: object, reason: str) -> None:
        self._given = (path, reason), {}
        fix = "What was committed before is as it was. Make room, and run again."
        super().__init__(f"{path}: no room to write it ({reason}). {fix}")


class MissingExtra(NetxrError, ImportError):
    """An optional package that is not installed, and what needs it."""

    def __init__(self, what: str, *, package: str, extra: str) -> None:
        self._given = (what,), {"package": package, "extra": extra}
        fix = f'In your copy of netxr\'s repository, run: pip install ".[{extra}]"'
        super().__init__(f"{what} needs {package}, which is not installed. {fix}")


class WorkersLost(NetxrError):
    """Workers of a cluster that died, one after the other, with the same part of a run, or a cluster that is gone."""

    def __init__(
        self, reason: str, *, fix: str = "Give them more memory, or say with memory= how little there is."
    ) -> None:
        self._given = (reason,), {"fix": fix}
        super().__init__(f"The run lost its workers: {reason.removesuffix('.')}. {fix}")


def plain(text: str) -> str:
    """Return a text with scalars of NumPy as Python writes them.

    Examples
    --------
    >>> plain("got [np.int64(0), np.str_('a')], np.True_, np.float64(nan), np.array([1])")
    "got [0, 'a'], True, nan, np.array([1])"
    """
    return NUMPY.sub(lambda scalar: scalar[1] or scalar[2], text)


def one_line(error: BaseException) -> str:
    """Return the kind of another library's error and what it says, cut to one short line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text if len(text) <= 200 else f'{text[:197]}...'}"


def first_line(error: BaseException) -> str:
    """Return the first line of what another library says, which may go on for a page."""
    return str(error).strip().partition("\n")[0].removeprefix("x ").strip()
