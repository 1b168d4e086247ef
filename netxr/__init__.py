"""Tell when correlation is a good enough substitute for causal connectivity.

Simulations and recordings are labelled xarray objects (neuron x time x trial); lagged correlations
estimate connectivity from them; scores compare the estimate with the truth; figures show both.
"""

from importlib import import_module
from typing import Any

_HOME = {
    "DiskFull": "errors",
    "Estimator": "estimators.estimator",
    "InvalidInput": "errors",
    "MissingExtra": "errors",
    "NetxrError": "errors",
    "NonFiniteActivity": "errors",
    "OutputExists": "errors",
    "StoreBusy": "errors",
    "UnreadableFile": "errors",
    "WorkersLost": "errors",
    "add": "recordings.append",
    "append": "recordings.append",
    "as_activity": "schema.arrays",
    "as_connectivity": "schema.arrays",
    "assign_groups": "moments.coarse",
    "autocorrelation": "moments.autocorrelation",
    "bad_frames": "preprocessing.frames",
    "burst_frames": "preprocessing.bursts",
    "catalog": "recordings.catalog",
    "clip": "preprocessing.samples",
    "coarse_moments": "moments.levels",
    "coarsen": "moments.coarse",
    "compare": "estimators.compare",
    "convert": "recordings.convert",
    "correlation_test": "significance.correlation_test",
    "cross_correlogram": "estimators.correlogram",
    "cut_trials": "preprocessing.trials",
    "detrend": "preprocessing.detrend",
    "difference": "preprocessing.samples",
    "downweight_bursts": "preprocessing.bursts",
    "drop_frames": "preprocessing.frames",
    "edge_probability": "estimators.edge_probability",
    "edges": "significance.edges",
    "estimate": "estimators.estimate",
    "false_discovery": "significance.false_discovery",
    "from_mne": "recordings.handover",
    "from_networkx": "schema.graphs",
    "from_pynapple": "recordings.handover",
    "granger": "estimators.granger",
    "high_pass": "preprocessing.filtering",
    "instrumental_variables": "estimators.instruments",
    "interpolate_frames": "preprocessing.frames",
    "jackknife": "significance.jackknife",
    "lagged_correlation": "estimators.correlation",
    "lagged_moments": "moments.lagged",
    "load_activity": "recordings.load",
    "load_connectivity": "recordings.load",
    "load_events": "recordings.events",
    "load_recording": "recordings.load",
    "low_pass": "preprocessing.filtering",
    "mask_frames": "preprocessing.frames",
    "merge_blocks": "moments.in_blocks",
    "merge_moments": "moments.merge",
    "methods": "estimators.table",
    "minus_trial_mean": "preprocessing.trial_means",
    "observe": "simulation.observe",
    "open": "recordings.open",
    "partial_correlation": "estimators.partial_correlation",
    "peak_lag": "significance.peak_lag",
    "perturbation_effect": "estimators.perturbation",
    "plan": "moments.prepare",
    "progress": "blocks.progress",
    "random_connectivity": "simulation.networks",
    "recoverability": "significance.recoverability",
    "regression": "estimators.regression",
    "reliability": "significance.reliability",
    "report_run": "report.run",
    "resample": "preprocessing.samples",
    "sample": "simulation.sample",
    "samples_needed": "significance.samples_needed",
    "save": "store.dataset",
    "select": "preprocessing.select",
    "score_limit": "estimators.score_limit",
    "simulate": "simulation.simulate",
    "spike_counts": "preprocessing.spikes",
    "spike_rates": "preprocessing.spikes",
    "strongest_pairs": "estimators.strongest",
    "sweep": "simulation.sweep",
    "symmetry": "estimators.symmetry",
    "tag": "store.versions",
    "threshold": "preprocessing.samples",
    "to_mne": "recordings.handover",
    "to_networkx": "schema.graphs",
    "to_nwb": "recordings.handover",
    "to_sparse": "schema.graphs",
    "trial_mean": "preprocessing.trial_means",
    "verify": "recordings.verify",
    "versioned": "store.versions",
    "versions": "store.versions",
    "z_score": "preprocessing.detrend",
}

_MODULES = {"app": "app", "plot": "plot", "report": "report.page", "tutorial": "simulation.tutorial"}

__all__ = ["__version__", *_HOME, *_MODULES]


def __getattr__(name: str) -> Any:
    """Load a public name on first use (PEP 562), so that ``import netxr`` stays light."""
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("netxr")
    elif name in _MODULES:
        value = import_module(f"netxr.{_MODULES[name]}")
    elif name in _HOME:
        value = getattr(import_module(f"netxr.{_HOME[name]}"), name)
    else:
        raise AttributeError(f"module 'netxr' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted(__all__)
