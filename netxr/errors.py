"""What netxr raises when it cannot do what it was asked."""

from functools import partial
from typing import Any


class NetxrError(Exception):
    """Anything that netxr itself refuses or fails at."""


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
        self._told = {"got": got, "expected": expected, "fix": fix}
        super().__init__(f"{argument}: got {got}; expected {expected}." + (f" {fix}" if fix else ""))

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel between processes: exceptions are otherwise rebuilt from their message alone."""
        return partial(type(self), **self._told), (self.argument,)


class NonFiniteActivity(InvalidInput):
    """NaN or infinity in a recording, with how many and where the first one is."""


class OutputExists(NetxrError, FileExistsError):
    """An output path that is taken: nothing is overwritten unasked."""

    def __init__(self, path: object) -> None:
        self._path = path
        super().__init__(f"{path} exists and is left as it is. Choose another path, or remove it first.")

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel between processes."""
        return type(self), (self._path,)


class UnreadableFile(NetxrError):
    """A file or store that is missing, damaged, or not what its name promises."""

    def __init__(self, path: object, reason: str, *, fix: str = "") -> None:
        self._told = (path, reason, fix)
        super().__init__(f"{path}: {reason}." + (f" {fix}" if fix else ""))

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel between processes."""
        path, reason, fix = self._told
        return partial(type(self), fix=fix), (path, reason)


class WorkersLost(NetxrError):
    """Workers of a cluster that died, one after the other, with the same part of a run."""

    def __init__(self, reason: str) -> None:
        self._reason = reason
        fix = "Give them more memory, or say with memory= how little there is."
        super().__init__(f"Workers died with a part of the run: {reason} {fix}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel between processes."""
        return type(self), (self._reason,)
