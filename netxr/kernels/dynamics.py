"""The loop of a model: x(t + 1) = leak x(t) + (1 - leak) f(A x + drive), or spikes, for one trial or many side by side.

Index letters: t step, k trial, n neuron. Arrays are (t, k, n); a state is (k, n).
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.kernels.ahead import one_ahead
from netxr.kernels.blas import one_blas_thread
from netxr.kernels.drives import Drives
from netxr.kernels.noise import STEPS_PER_BLOCK
from netxr.kernels.spiking import Recurrent, fire
from netxr.kernels.units import SIGMOID, responding

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


class Rule(NamedTuple):
    """How a state follows: x(t + 1) = leak x(t) + (1 - leak) f(sum over j of A_ij x_j(t + 1 - d_ij) + drive(t + 1))."""

    weights: NDArray[Any]
    """A: one network for all trials, (n, n), or one a trial, (k, n, n)."""
    units: str | Callable[[NDArray[Any]], Any] = "sigmoid"
    """f. One of your own takes what drives the neurons, (k, n), and returns as much. States of "lif" are spikes."""
    leak: float = 0.0
    """Share of a state that stays, of "lif" that of its potential."""
    delays: int | NDArray[np.integer[Any]] = 1
    """d in steps, 1 or above: the same for all edges, or of each, (n, n)."""
    threshold: float = 0.0
    reset: float = 0.0
    """Of "lif", as in `fire`."""

    @property
    def longest(self) -> int:
        """The longest delay."""
        return int(np.max(self.delays))


def trajectories(
    rule: Rule,
    past: NDArray[Any],
    *,
    drives: Drives,
    n_steps: int,
    first_step: int = 1,
    potential: NDArray[Any] | None = None,
) -> Iterator[tuple[slice, int, NDArray[Any]]]:
    """Yield the states of the trials block by block: which trials, the block's first step, states (t, k, n).

    `past` (rule.longest, k, n) are the states in the steps before `first_step`; their dtype is that of all states. That
    step is 1, or below, for a run from its beginning, of which step 0 is yielded and steps before it are not; or where
    to go on, a multiple of the steps in a block. `n_steps` counts step 0. Of "lif", `potential` (k, n) are potentials
    in the step before, which become those in the last step yielded.

    Modern noise lets trials advance side by side, as many as `trials_together` says; the legacy one keeps to the
    published arithmetic, a dense matrix-vector product a step, one trial after the other.
    """
    lead, n_trials, n_neurons = past.shape
    exact, sign = drives.noise.exact, -1 if rule.units == SIGMOID else 1
    together = 1 if exact else trials_together(n_neurons, past.dtype)
    for k in range(0, n_trials, together):
        rows, known = slice(k, min(k + together, n_trials)), past[:, k : k + together]
        recurrent = _recurrent(rule, rows, past.dtype, sign=sign, exact=exact)
        start = first_step // STEPS_PER_BLOCK * STEPS_PER_BLOCK
        skip = first_step - start
        blocks = drives.blocks(
            range(rows.start, rows.stop), first_step=start, n_steps=n_steps, dtype=past.dtype, lead=lead, sign=sign
        )
        if STEPS_PER_BLOCK * known[0].size >= DRAWN_AHEAD:
            blocks = one_ahead(blocks)
        for states in blocks:
            is_set = drives.is_set(start, start + len(states) - lead)
            if skip == 1 and is_set and is_set[0]:  # the first state of all
                known = np.concatenate([known[:-1], states[lead : lead + 1]])
            states[skip : skip + lead] = known
            own = None if potential is None else potential[rows]
            with one_blas_thread():
                advance(
                    states,
                    skip + lead,
                    recurrent=recurrent,
                    rule=rule,
                    is_set=is_set and [False] * lead + is_set,
                    potential=own,
                )
            known = states[-lead:].copy()
            _check_finite(known[-1] if own is None else own, start + len(states) - lead)
            if start >= 0:
                yield rows, start, states[lead:]
            start, skip = start + STEPS_PER_BLOCK, 0


def advance(
    states: NDArray[Any],
    first: int,
    *,
    recurrent: Sequence[tuple[int, Recurrent]],
    rule: Rule,
    is_set: Sequence[bool] = (),
    potential: NDArray[Any] | None = None,
) -> None:
    """Turn what drives each step of `states` (t, k, n) from `first` on into the state that follows, in place.

    As many steps before `first` as the longest delay are states. From there on they hold what drives each step from
    outside, but in those that `is_set` says, which are states already. For sigmoid units the drive has its sign turned,
    -e, as has what `recurrent` returns of each delay, -A x: turning both signs beforehand is exact and spares a pass
    over the state in every step. Of a single trial, that takes states (n). `potential` is as in `fire`.
    """
    if potential is not None:
        of_units = {"leak": rule.leak, "threshold": rule.threshold, "reset": rule.reset}
        fire(states, potential, first, recurrent=recurrent, is_set=is_set, **of_units)
        return
    steps = list(states[:, 0] if states.shape[1] == 1 else states)  # views, which take longer to make one by one
    respond, add, drive = responding(rule.units, states.dtype), np.add, np.empty_like(steps[0])
    # exp overflows to infinity, whose reciprocal is the right answer: 0. Linear units that overflow are found later.
    with np.errstate(over="ignore", invalid="ignore"):
        if len(recurrent) == 1 and not rule.leak and not is_set:
            ((delay, product),) = recurrent
            for past, following in zip(steps[first - delay :], steps[first:], strict=False):
                product(past, drive)
                add(following, drive, following)
                respond(following, following)
            return
        stays, moves = (np.array(share, states.dtype) for share in (rule.leak, 1 - rule.leak))  # arrays, as in `units`
        for t in range(first, len(steps)):
            if is_set and is_set[t]:
                continue
            following = steps[t]
            for delay, product in recurrent:
                product(steps[t - delay], drive)
                add(following, drive, following)
            respond(following, following)
            if rule.leak:
                np.multiply(following, moves, following)
                np.multiply(steps[t - 1], stays, drive)
                add(following, drive, following)


def _recurrent(rule: Rule, rows: slice, dtype: np.dtype[Any], *, sign: int, exact: bool) -> list[tuple[int, Recurrent]]:
    """Return the recurrent drive of some trials for each delay that an edge has."""
    own = rule.weights[rows] if rule.weights.ndim == 3 else rule.weights
    own = own[0] if own.ndim == 3 and len(own) == 1 else own
    # In C order, since a product over the other order rounds in another way.
    weights, alone = (sign * own).astype(dtype, order="C"), rows.stop - rows.start == 1
    if isinstance(rule.delays, int):
        return [(rule.delays, recurrent_drive(weights, exact=exact, alone=alone))]
    each = np.unique(np.broadcast_to(rule.delays, own.shape)[own != 0])
    return [(int(d), recurrent_drive(np.where(rule.delays == d, weights, 0), exact=exact, alone=alone)) for d in each]


def _check_finite(state: NDArray[Any], step: int) -> None:
    """Raise InvalidInput if a state is not finite."""
    if not np.isfinite(state).all():
        got = f"activity that is not finite by step {step:,}"
        raise InvalidInput(n.CONNECTIVITY, got=got, expected="units and weights under which it stays so")


def trials_together(n_neurons: int, dtype: np.dtype[Any]) -> int:
    """Return how many trials advance side by side, so that a block of their noise fits into `BATCH_BYTES`."""
    return max(1, BATCH_BYTES // (STEPS_PER_BLOCK * n_neurons * dtype.itemsize))


def recurrent_drive(weights: NDArray[Any], *, exact: bool, alone: bool = False) -> Recurrent:
    """Return the product A x for all trials, dense or sparse, whichever is cheaper for these weights.

    Weights (n, n) are of all trials, (k, n, n) one network a trial. If `exact`, it is the plain dense product, whose
    rounding the published numbers have. If `alone`, it takes states of one trial, (n), in the place of (k, n).
    """
    one_network = weights.ndim == 2
    n_weights = np.count_nonzero(weights)
    dense_cost = weights.size if one_network else weights.size + len(weights) * DENSE_CALL_COST
    if not exact and n_weights * SPARSE_WEIGHT_COST + SPARSE_CALL_COST < dense_cost:
        return _sparse_drive(weights, alone=alone)
    return _dense_drive(weights, alone=alone)


def _dense_drive(weights: NDArray[Any], *, alone: bool) -> Recurrent:
    """Return the dense product: matrix by vector for one trial, matrix by matrix or a stack of them for many."""
    if alone:
        return weights.dot
    if weights.ndim == 3:
        return lambda state, out: np.matmul(weights, state[:, :, None], out=out[:, :, None])
    turned = weights.T
    return lambda state, out: state.dot(turned, out)


def _sparse_drive(weights: NDArray[Any], *, alone: bool) -> Recurrent:
    """Return the sparse product; the networks of several trials stand on the diagonal of one matrix."""
    if weights.ndim == 2:
        matrix = scipy.sparse.csr_array(weights)
        if alone:
            return lambda state, out: np.copyto(out, matrix @ state)
        return lambda state, out: np.copyto(out, (matrix @ state.T).T)
    diagonal = scipy.sparse.block_diag([scipy.sparse.csr_array(w) for w in weights], format="csr")
    return lambda state, out: np.copyto(out, (diagonal @ state.ravel()).reshape(state.shape))
