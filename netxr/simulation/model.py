"""The model that a run is simulated by: its options, checked, in words and as the kernels take them."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.kernels.drives import Drives
from netxr.kernels.dynamics import Rule
from netxr.kernels.noise import STEPS_PER_BLOCK, NoiseSource
from netxr.kernels.units import LIF, LINEAR, SIGMOID, UNITS
from netxr.schema.arguments import (
    MOST_COUNTED,
    array_of,
    check_choice,
    check_count,
    is_finite,
    is_number,
    is_whole,
    said,
)
from netxr.schema.variables import CONNECTIVITY_SPEC, NUMBER_KINDS, check_connectivity, labels_of

Units = str | Callable[[NDArray[Any]], Any]

LARGEST_COMPANION: Final = 1000
"""Rows of the matrix by which delays are checked for stability, beyond which they are not checked beforehand."""

SQUARINGS: Final = 8
"""After so many, a matrix is at its power of 128."""

SMALL: Final = 0.9
"""Norm of a power, in single precision, below which its eigenvalues are surely below 1."""

MODEL_EQUATION: Final = "x(t + 1) = sigmoid(A x(t) + e(t)), e ~ N(0, noise_scale^2)"
USUAL: Final[Mapping[str, Any]] = {
    n.UNIT_FUNCTION: SIGMOID,
    n.GAIN: 1.0,
    n.LEAK: 0.0,
    n.THRESHOLD: None,
    n.RESET: None,
    n.DELAY: 1,
    n.BURN_IN: 0,
    n.COMMON_DRIVE: 0.0,
    n.INSTRUMENT: 0.0,
    n.PERTURB: None,
    n.NOISE_COV: None,
}
"""Options of the tutorial's model, which a run does not name."""

SPIKING: Final[Mapping[str, float]] = {n.LEAK: 0.95, n.THRESHOLD: 5.0, n.RESET: 0.0}
"""Options of spiking units where they are not given: at a millisecond a step, a time constant of 20 ms."""


class Model(NamedTuple):
    """How a run is simulated."""

    rule: Rule
    """How states follow one another."""
    drives: Drives
    """What drives them from outside."""
    first_step: int
    """The first step to compute: 1, or below where steps come before the first sample."""
    attributes: Mapping[str, Any]
    """What the run says of its model."""
    variables: Mapping[str, xr.DataArray]
    """Matrices of its options, with labels."""

    def start(self, initial: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any] | None]:
        """Return states of the steps before the first one, (t, k, n), and potentials of spiking units, (k, n).

        `initial`, (k, n), is what all those states are, or the potentials of units that have not yet spiked.
        """
        spikes = self.rule.units == LIF
        states = np.repeat(0 * initial[None] if spikes else initial[None], self.rule.longest, axis=0)
        return states, initial.copy() if spikes else None


def check_model(network: xr.DataArray, noise: NoiseSource, options: Mapping[str, Any]) -> Model:
    """Return how a network is simulated, if all options are right, fit together, and keep linear units stable.

    Options are those of `simulate`: units, gain, leak, threshold, reset, delay, noise_scale, noise_cov, burn_in,
    common_drive, instrument, perturb.
    """
    for name in (n.NOISE_SCALE, n.COMMON_DRIVE, n.INSTRUMENT):
        if not is_number(options[name]) or not 0 <= options[name] < np.inf:
            raise InvalidInput(name, got=said(options[name]), expected="a number, 0 or above")
    burn_in, perturb = options[n.BURN_IN], options[n.PERTURB]
    if not is_whole(burn_in) or not 0 <= burn_in <= MOST_COUNTED:
        raise InvalidInput(n.BURN_IN, got=said(burn_in), expected="a whole number of steps, 0 or above")
    every = 0 if perturb is None else check_count(n.PERTURB, perturb)
    if every == 1:
        expected = "2 or above: where every sample is set, none follows from another"
        raise InvalidInput(n.PERTURB, got="1", expected=expected)
    rule = _check_rule(network, options)
    covariance, mixing = _check_covariance(options[n.NOISE_COV], network)
    scale, common, instrument = (float(options[name]) for name in (n.NOISE_SCALE, n.COMMON_DRIVE, n.INSTRUMENT))
    drives = Drives(noise, scale, common, instrument, every, mixing)
    known = {
        n.UNIT_FUNCTION: getattr(rule.units, "__name__", rule.units),
        **{name: float(options[name]) for name in (n.GAIN, n.COMMON_DRIVE, n.INSTRUMENT)},
        n.LEAK: rule.leak,
        **{name: getattr(rule, name) if rule.units == LIF else None for name in (n.THRESHOLD, n.RESET)},
        n.DELAY: rule.delays if isinstance(rule.delays, int) else "by edge",
        n.BURN_IN: int(burn_in),
        n.PERTURB: every or None,
        n.NOISE_COV: None if mixing is None else "by pair",
    }
    own = {name: value for name, value in known.items() if value != USUAL[name]}
    if own and noise.exact:
        got = f"'legacy' with {', '.join(f'{name}={value!r}' for name, value in own.items())}"
        raise InvalidInput(n.RNG, got=got, expected="'modern': the tutorial's stream is that of its own model")
    matrices = {n.NOISE_COV: covariance} if covariance is not None else {}
    matrices |= {} if isinstance(rule.delays, int) else {n.DELAY: _labelled(rule.delays, network)}
    return Model(rule, drives, 1 - int(burn_in), {n.MODEL: _equation(own)} | own, matrices)


def _check_rule(network: xr.DataArray, options: Mapping[str, Any]) -> Rule:
    """Return how states follow one another."""
    units, gain = options[n.UNITS], options[n.GAIN]
    weights = network.transpose(..., n.TARGET, n.SOURCE).values
    _check_units(units, weights.shape[-1])
    if not is_finite(gain):
        raise InvalidInput(n.GAIN, got=said(gain), expected="a number by which all weights are multiplied")
    weights = weights if gain == 1 else gain * weights
    rule = Rule(weights, units, delays=_check_delay(options[n.DELAY], network), **_check_potential(units, options))
    if units == LINEAR:
        _check_stable(rule, float(gain))
    return rule


def _check_potential(units: Any, options: Mapping[str, Any]) -> dict[str, float]:
    """Return what stays of a state, and of spiking units when they spike, and where they begin again."""
    given = {name: options[name] for name in SPIKING}
    if units != LIF:
        for name in (n.THRESHOLD, n.RESET):
            if given.pop(name) is not None:
                raise InvalidInput(name, got=f"it for units={units!r}", expected=f"it for {LIF!r} alone")
    usual = SPIKING if units == LIF else USUAL
    found = {name: usual[name] if value is None else value for name, value in given.items()}
    if not is_finite(found[n.LEAK]) or not 0 <= found[n.LEAK] < 1:
        expected = "the share of a state that stays, 0 or above and below 1"
        raise InvalidInput(n.LEAK, got=said(found[n.LEAK]), expected=expected)
    for name in found:
        if not is_finite(found[name]):
            raise InvalidInput(name, got=said(found[name]), expected="a potential, in the units of the weights")
    if units == LIF and found[n.RESET] >= found[n.THRESHOLD]:
        wrong, beside = (n.THRESHOLD, n.RESET) if given[n.RESET] is None else (n.RESET, n.THRESHOLD)
        expected = f"a potential {'above' if wrong == n.THRESHOLD else 'below'} the {beside}, {found[beside]:g}"
        raise InvalidInput(wrong, got=said(found[wrong]), expected=expected)
    return {name: float(value) for name, value in found.items()}


def _check_covariance(noise_cov: Any, network: xr.DataArray) -> tuple[xr.DataArray | None, NDArray[np.float64] | None]:
    """Return a covariance of noise with labels, and what makes such noise of standard normals, (n, n).

    Raises InvalidInput if it is no covariance of the neurons of a network.
    """
    if noise_cov is None:
        return None, None
    size = network.sizes[n.TARGET]
    expected = f"a covariance of {size} neurons, ({n.TARGET}, {n.SOURCE}), or their variances"
    given = _matrix_of(n.NOISE_COV, noise_cov, network, expected)
    matrix = np.diag(given) if given.ndim == 1 else given
    if matrix.shape != (size, size) or matrix.dtype.kind not in NUMBER_KINDS or not np.isfinite(matrix).all():
        raise InvalidInput(n.NOISE_COV, got=said(noise_cov), expected=f"{expected}, all finite")
    if not np.allclose(matrix, matrix.T):
        raise InvalidInput(n.NOISE_COV, got="a matrix that is not symmetric", expected=expected)
    return _labelled(matrix, network), _root_of(matrix, expected)


def _root_of(covariance: NDArray[Any], expected: str) -> NDArray[np.float64]:
    """Return what makes noise of a covariance from standard normals: lower triangular where none is a mixture."""
    try:
        return np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        variances, directions = np.linalg.eigh(covariance)
    if variances[0] < -1e-9 * max(variances[-1], 0):
        got = f"a matrix with an eigenvalue of {variances[0]:.3g}"
        raise InvalidInput(n.NOISE_COV, got=got, expected=f"{expected}, none of which is below 0")
    return np.asarray(directions * np.sqrt(variances.clip(0)) @ directions.T)


def _equation(own: Mapping[str, Any]) -> str:
    """Return the equation of a model in one line, from its options that are not the tutorial's."""
    if not own:
        return MODEL_EQUATION
    terms = [f"{'gain ' if n.GAIN in own else ''}A x({'t + 1 - delay' if n.DELAY in own else 't'})"]
    terms += ["common_drive h(t + 1)"] if n.COMMON_DRIVE in own else []
    terms += ["instrument z(t + 1)"] if n.INSTRUMENT in own else []
    drive, noise = " + ".join([*terms, "e(t)"]), f"e ~ N(0, noise_scale^2{' noise_cov' if n.NOISE_COV in own else ''})"
    if own.get(n.UNIT_FUNCTION) == LIF:
        return f"v(t + 1) = leak v(t) + {drive}, {noise}; x = 1 where v >= threshold, then v = reset; else x = 0"
    response = f"{own.get(n.UNIT_FUNCTION, SIGMOID)}({drive})"
    response = f"leak x(t) + (1 - leak) {response}" if n.LEAK in own else response
    return f"x(t + 1) = {response}, {noise}"


def _check_units(units: Any, n_neurons: int) -> None:
    """Raise InvalidInput if units have no such name, and are no function of what drives neurons."""
    if not callable(units):
        check_choice("units", units, UNITS)
        return
    expected = f"a function of what drives the neurons, (trial, neuron), which returns as much: here 1 x {n_neurons}"
    made = array_of("units", units(np.zeros((1, n_neurons))), expected=expected)
    if made.shape != (1, n_neurons) or made.dtype.kind not in NUMBER_KINDS:
        raise InvalidInput("units", got=f"one that returns shape {made.shape}, {made.dtype}", expected=expected)


def _check_delay(delay: Any, network: xr.DataArray) -> int | NDArray[np.int64]:
    """Return delays in steps: one, or one for each entry of a network, (n, n)."""
    expected = f"steps from source to target, 1 to {STEPS_PER_BLOCK}: one number, or one for each entry"
    if is_whole(delay):
        if not 1 <= delay <= STEPS_PER_BLOCK:
            raise InvalidInput(n.DELAY, got=said(delay), expected=expected)
        return int(delay)
    each = _matrix_of(n.DELAY, delay, network, expected)
    size = network.sizes[n.TARGET]
    if each.shape != (size, size) or each.dtype.kind not in "iu" or each.min() < 1 or each.max() > STEPS_PER_BLOCK:
        raise InvalidInput(n.DELAY, got=said(delay), expected=f"{expected}, {size} x {size}")
    return each.astype(np.int64)


def _matrix_of(argument: str, given: Any, network: xr.DataArray, expected: str) -> NDArray[Any]:
    """Return a matrix of the neurons of a network; a DataArray has to have its labels, in any order."""
    if not isinstance(given, xr.DataArray):
        return array_of(argument, given, expected=expected)
    matrix = check_connectivity(given, argument=argument)
    if n.TRIAL in matrix.dims or set(labels_of(matrix, n.TARGET)) != set(labels_of(network, n.TARGET)):
        raise InvalidInput(argument, got="one of other labels, or of trials", expected=expected)
    order = {dim: labels_of(network, n.TARGET) for dim in CONNECTIVITY_SPEC.dims}
    in_order = matrix.sel(order) if n.TARGET in matrix.coords else matrix
    return np.asarray(in_order.transpose(n.TARGET, n.SOURCE).values)


def _labelled(matrix: NDArray[Any], network: xr.DataArray) -> xr.DataArray:
    """Return a matrix with the labels of a network."""
    labels = labels_of(network, n.TARGET)
    return xr.DataArray(matrix, {n.TARGET: labels, n.SOURCE: labels}, (n.TARGET, n.SOURCE))


def _check_stable(rule: Rule, gain: float) -> None:
    """Raise InvalidInput if the activity of linear units grows without end."""
    longest = rule.longest if rule.leak or not isinstance(rule.delays, int) else 1
    for weights in rule.weights if rule.weights.ndim == 3 else [rule.weights]:
        passed = (1 - rule.leak) * np.abs(weights)
        if rule.leak + min(passed.sum(axis=0).max(), passed.sum(axis=1).max()) < 1:
            continue  # then no delay makes it grow
        if longest > 1 and longest * len(weights) > LARGEST_COMPANION:
            continue
        matrix = _companion(weights, rule, longest)
        radius = 0.0 if _fades(matrix) else float(np.abs(np.linalg.eigvals(matrix)).max())
        if radius >= 1:
            got = f"a spectral radius of {radius:.4g}, gain, leak and delay included"
            expected = "one below 1: from 1 on, the activity of linear units grows without end"
            fix = f"Draw it with spectral_radius={0.9 / abs(gain):.3g}{', since the gain counts' * (gain != 1)}."
            raise InvalidInput(n.CONNECTIVITY, got=got, expected=expected, fix=fix)


def _fades(matrix: NDArray[np.float64]) -> bool:
    """Return whether a power of a matrix is surely small, as then its eigenvalues are: a tenth of the time of these."""
    power = matrix.astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(SQUARINGS):
            if np.linalg.norm(power) < SMALL:
                return True
            power = power @ power
    return False


def _companion(weights: NDArray[Any], rule: Rule, longest: int) -> NDArray[np.float64]:
    """Return the matrix that makes of the states of as many steps as the longest delay those one step later."""
    size = len(weights)
    matrix = np.eye(longest * size, k=-size)
    for d in range(1, longest + 1):
        there = weights if longest == 1 else np.where(np.equal(rule.delays, d), weights, 0)
        matrix[:size, (d - 1) * size : d * size] = (1 - rule.leak) * there
    matrix[:size, :size] += rule.leak * np.eye(size)
    return matrix
