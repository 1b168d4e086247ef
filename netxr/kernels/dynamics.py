"""The rate model's loop: x(t + 1) = sigmoid(A x(t) + e(t)) for one trial or many side by side.

Index letters: t step, k trial, n neuron. Arrays are (t, k, n); a state is (k, n).
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from netxr.kernels.blas import one_blas_thread
from netxr.kernels.noise import STEPS_PER_BLOCK, NoiseSource, noise_blocks

Drive = Callable[[NDArray[Any], NDArray[Any]], object]
"""Writes the recurrent drive of a state (first argument) into an array of its shape (second argument)."""

SPARSE_WEIGHT_COST: Final = 6
"""One weight of a sparse product takes as long as this many of a dense one (measured 4 to 6, one BLAS thread)."""

SPARSE_CALL_COST: Final = 20_000
"""A sparse product's call takes as long as this many weights of a dense one (2 microseconds)."""

BATCH_BYTES: Final = 2**28
"""Noise of the trials that advance side by side, a block of it. A promise: other batches round other last digits."""

DRAWN_AHEAD: Final = 2**16
"""Normals in a block from which on drawing takes longer than handing over: they are drawn in a thread of their own."""

DENSE_CALL_COST: Final = 1_500
"""Each further matrix of a stacked dense product takes as long as this many weights (0.15 microseconds)."""


def trajectories(
    weights: NDArray[Any],
    state: NDArray[Any],
    *,
    noise: NoiseSource,
    n_steps: int,
    noise_scale: float,
    first_step: int = 0,
) -> Iterator[tuple[slice, int, NDArray[Any]]]:
    """Yield the states of the trials block by block: which trials, the block's first step, states (t, k, n).

    Parameters
    ----------
    weights : ndarray, (n, n) or (k, n, n)
        One network for all trials, or one a trial.
    state : ndarray, (k, n)
        State of each trial at step 0, or at the step before `first_step`; its dtype is that of all states.
    noise : NoiseSource
        Noise of each trial. The modern one lets trials advance side by side, as many as `trials_together` says; the
        legacy one keeps to the published arithmetic, a dense matrix-vector product a step, one trial after the other.
    n_steps : int
        Samples a trial, the first state included.
    noise_scale : float
        Standard deviation of the noise.
    first_step : int
        Where to go on, a multiple of the steps in a block of noise.
    """
    together = 1 if noise.exact else trials_together(state.shape[1], state.dtype)
    for k in range(0, len(state), together):
        rows = slice(k, min(k + together, len(state)))
        own = weights[rows] if weights.ndim == 3 else weights
        own = own[0] if own.ndim == 3 and len(own) == 1 else own
        # In C order, since a product over the other order rounds in another way.
        inhibition = recurrent_drive(-own.astype(state.dtype, order="C"), exact=noise.exact)
        present, start = state[rows], first_step
        blocks = noise_blocks(
            noise, which=range(rows.start, rows.stop), first_step=start, n_steps=n_steps, dtype=state.dtype
        )
        if STEPS_PER_BLOCK * present.size >= DRAWN_AHEAD:
            blocks = _drawn_ahead(blocks)
        for block in blocks:
            np.multiply(block, -noise_scale, out=block)
            first = int(start == 0)
            block[:first] = present
            with one_blas_thread():
                present = advance(present, block[first:], inhibition=inhibition)
            yield rows, start, block
            start += len(block)


def _drawn_ahead(blocks: Iterator[NDArray[Any]]) -> Iterator[NDArray[Any]]:
    """Pass blocks on, each drawn in another thread while the one before it is in use."""
    with ThreadPoolExecutor(1) as drawer:
        following = drawer.submit(next, blocks, None)
        while (block := following.result()) is not None:
            following = drawer.submit(next, blocks, None)
            yield block


def trials_together(n_neurons: int, dtype: np.dtype[Any]) -> int:
    """Return how many trials advance side by side, so that a block of their noise fits into `BATCH_BYTES`."""
    return max(1, BATCH_BYTES // (STEPS_PER_BLOCK * n_neurons * dtype.itemsize))


def recurrent_drive(weights: NDArray[Any], *, exact: bool) -> Drive:
    """Return the product A x for all trials, dense or sparse, whichever is cheaper for these weights.

    Parameters
    ----------
    weights : ndarray, (n, n) or (k, n, n)
        One network for all trials, or one a trial.
    exact : bool
        Keep the plain dense product, whose rounding the published numbers have.
    """
    one_network = weights.ndim == 2
    n_weights = np.count_nonzero(weights)
    dense_cost = weights.size if one_network else weights.size + len(weights) * DENSE_CALL_COST
    if not exact and n_weights * SPARSE_WEIGHT_COST + SPARSE_CALL_COST < dense_cost:
        return _sparse_drive(weights)
    return _dense_drive(weights)


def _dense_drive(weights: NDArray[Any]) -> Drive:
    """Return the dense product: matrix by vector for one trial, matrix by matrix or a stack of them for many."""
    if weights.ndim == 3:
        return lambda state, out: np.matmul(weights, state[:, :, None], out=out[:, :, None])

    def drive(state: NDArray[Any], out: NDArray[Any]) -> object:
        """Write the product of the one network with the state of every trial into `out`."""
        return np.dot(weights, state[0], out=out[0]) if len(state) == 1 else np.dot(state, weights.T, out=out)

    return drive


def _sparse_drive(weights: NDArray[Any]) -> Drive:
    """Return the sparse product; the networks of several trials stand on the diagonal of one matrix."""
    if weights.ndim == 2:
        matrix = scipy.sparse.csr_array(weights)
        return lambda state, out: np.copyto(out, (matrix @ state.T).T if len(state) > 1 else matrix @ state[0])
    diagonal = scipy.sparse.block_diag([scipy.sparse.csr_array(w) for w in weights], format="csr")
    return lambda state, out: np.copyto(out, (diagonal @ state.ravel()).reshape(state.shape))


def advance(state: NDArray[Any], noise: NDArray[Any], *, inhibition: Drive) -> NDArray[Any]:
    """Advance all trials by one step for each row of `noise`, and return a copy of the last state.

    Parameters
    ----------
    state : ndarray, (k, n)
        Where the trials stand.
    noise : ndarray, (t, k, n)
        Noise of each step with its sign turned, -e; overwritten with the states that follow.
    inhibition : callable
        The recurrent drive with its sign turned: -A x. Turning both signs beforehand is exact
        and spares a pass over the state in every step.
    """
    drive = np.empty_like(state)
    with np.errstate(over="ignore"):  # exp overflows to infinity, whose reciprocal is the right answer: 0
        for following in noise:
            inhibition(state, drive)
            np.add(following, drive, out=following)
            np.exp(following, out=following)
            np.add(following, 1, out=following)
            state = np.reciprocal(following, out=following)
    return state.copy()
