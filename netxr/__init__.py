"""Tell when correlation is a good enough substitute for causal connectivity.

Simulations and recordings are labelled xarray objects (neuron x time x trial); lagged correlations
estimate connectivity from them; scores compare the estimate with the truth; figures show both.
"""

from importlib import import_module
from typing import Any

_HOME = {
    "InvalidInput": "errors",
    "NetxrError": "errors",
    "NonFiniteActivity": "errors",
    "OutputExists": "errors",
    "UnreadableFile": "errors",
    "WorkersLost": "errors",
    "as_activity": "arrays",
    "as_connectivity": "arrays",
    "assign_groups": "coarse",
    "coarse_moments": "levels",
    "coarsen": "coarse",
    "compare": "comparison",
    "lagged_correlation": "estimators",
    "lagged_moments": "moments",
    "load_activity": "loaders",
    "load_connectivity": "loaders",
    "merge_moments": "merging",
    "open": "store",
    "plan": "planning",
    "progress": "headway",
    "random_connectivity": "networks",
    "save": "store",
    "simulate": "simulation",
    "strongest_pairs": "matrices",
    "sweep": "sweeps",
}

_MODULES = ("plot", "report", "tutorial")

__all__ = ["__version__", *_HOME, *_MODULES]


def __getattr__(name: str) -> Any:
    """Load a public name on first use (PEP 562), so that ``import netxr`` stays light."""
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("netxr")
    elif name in _MODULES:
        value = import_module(f"netxr.{name}")
    elif name in _HOME:
        value = getattr(import_module(f"netxr.{_HOME[name]}"), name)
    else:
        raise AttributeError(f"module 'netxr' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted(__all__)
