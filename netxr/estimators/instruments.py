"""Effects of neurons on one another by way of instruments: inputs that act on them, and on nothing else."""

import warnings
from collections.abc import Hashable, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.estimators.fit import MATRIX, Fitted, call_of, check_length, fit, moments_for
from netxr.estimators.given import given_in
from netxr.kernels.normal_equations import NormalEquations
from netxr.kernels.p_values import p_value_of_t
from netxr.kernels.two_stage import two_stage_least_squares
from netxr.schema.arguments import is_whole, said
from netxr.schema.clock import in_samples
from netxr.schema.variables import labels_of

WEAK: Final = 10
"""First-stage F, below which instruments are weak (Staiger & Stock 1997)."""

REFERENCE: Final = "Angrist & Imbens 1995, doi:10.1080/01621459.1995.10476535"
LONG_NAMES: Final = {
    n.COEFFICIENT: "effect of the source by way of instruments",
    n.STANDARD_ERROR: "standard error of the effect",
    n.P_VALUE: "p-value of the effect",
    n.FIRST_STAGE_F: "F of the instruments for the source",
}


def instrumental_variables(
    data: xr.DataArray | xr.Dataset,
    *,
    instruments: xr.DataArray | Hashable | Sequence[Hashable],
    lag: int | str = 1,
) -> xr.Dataset:
    """Estimate what each neuron does to each other by way of instruments: two-stage least squares.

    An instrument, such as a random stimulus of one neuron, acts on the neurons, but on a target only by way of the
    sources. What instruments explain of the sources at their own time is then free of what drives both sources and
    targets, recorded or not, and targets are regressed on that. Both stages have intercepts.

    Parameters
    ----------
    data : DataArray or Dataset
        Activity (neuron, time[, trial]); a Dataset that holds it; or lagged moments of all neurons at lags 0 and `lag`,
        made with missing="raise", which need no further read.
    instruments : DataArray, label or sequence of labels
        As many as neurons or more: samples (input, time[, trial]) beside activity, or labels of inputs that moments
        hold.
    lag : int or str
        Samples, or time such as "20ms", by which the target is read after the source, 1 or above.

    Returns
    -------
    Dataset
        `coefficient` ([trial, ]target, source) in units of the target for one of the source, its `standard_error`, by
        the structural residual, and `p_value`; `first_stage_f` ([trial, ]source), of the regression of each source on
        the instruments. Of moments in blocks, all over `block`. Float64, lazy if `data` is. A neuron that does not vary
        has NaN in its row and column. Where moments have a link, it is the linked targets that are regressed.

    Raises
    ------
    InvalidInput
        If there are fewer instruments than neurons, fewer samples than parameters, or instruments or what they explain
        of the neurons depend on one another; or if moments do not hold what is needed.

    Warns
    -----
    UserWarning
        Once it is computed: if the first-stage F of a neuron is below 10. Then instruments are weak, and estimates are
        biased and their errors too small (Staiger & Stock 1997, doi:10.2307/2171753).

    References
    ----------
    Angrist & Imbens 1995, doi:10.1080/01621459.1995.10476535

    Examples
    --------
    Neuron 0 drives neuron 1, and a common input that was not recorded drives both:

    >>> import netxr, numpy as np
    >>> a, b, hidden, *stimuli = np.random.default_rng(1).normal(size=(5, 5000))
    >>> x, y = a + hidden + stimuli[0], b + np.roll(hidden, 1) + stimuli[1]
    >>> y[1:] += 0.5 * x[:-1]
    >>> activity = netxr.as_activity(np.stack([x, y]), dims=("neuron", "time"))
    >>> z = xr.DataArray(np.stack(stimuli), dims=("input", "time"))
    >>> found = instrumental_variables(activity, instruments=z)
    >>> [round(each.coefficient.values[1, 0].item(), 1) for each in (found, netxr.regression(activity))]
    [0.5, 0.8]
    """
    wanted: int = in_samples(lag, data, argument="lag")
    if not is_whole(wanted) or wanted < 1:
        raise InvalidInput("lag", got=said(wanted), expected="a whole number of samples, 1 or above")
    if instruments is None:
        raise InvalidInput("instruments", got="None", expected="samples of inputs, or labels of those of moments")
    check_length(data, [wanted], argument="lag")
    moments = moments_for(data, [wanted], given=instruments, argument="instruments")
    function = partial(_results, neurons=labels_of(moments, n.SOURCE))
    dims = dict.fromkeys((n.COEFFICIENT, n.STANDARD_ERROR, n.P_VALUE), MATRIX) | {n.FIRST_STAGE_F: (n.SOURCE,)}
    found = fit(moments, Fitted(function, [int(wanted)], dims, input_lags=[int(wanted)]))
    made_by = call_of("instrumental_variables", instruments=given_in(moments)["given"], lag=wanted)
    for name, text in LONG_NAMES.items():
        found[name].attrs |= moments.attrs | {n.LONG_NAME: text, n.REFERENCE: REFERENCE, n.MADE_BY: made_by}
    return found


def _results(equations: NormalEquations, *, neurons: Any) -> Sequence[Any]:
    """Return coefficients, their standard errors and p-values, and the F of the first stage."""
    found = two_stage_least_squares(equations)
    f = found.first_stage_f
    if (f < WEAK).any():
        worst = int(np.nanargmin(f))
        text = (
            f"Instruments are weak: the first-stage F of neuron {neurons[worst]} is {f[worst]:.1f}, and below {WEAK} "
            f"for {(f < WEAK).sum()} of {len(f)} neurons. Estimates are biased, and their errors too small. "
            "Fix: take instruments that act on these neurons more strongly, or record longer."
        )
        warnings.warn(text, UserWarning, stacklevel=2)
    with np.errstate(divide="ignore", invalid="ignore"):  # nothing is left of a target that is wholly explained
        t = found.coefficient / found.standard_error
    return found.coefficient, found.standard_error, p_value_of_t(t, found.df), f
