"""Every keyword of every figure is checked by netxr, not by what stumbles over it later."""

from inspect import signature

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import netxr
from netxr.errors import InvalidInput
from tests.plot.drawn import on_paper
from tests.runs import labelled

R = labelled([[0, 0.3, 0.1], [0.2, 0, -0.4], [0.5, 0.1, 0]])
LAGGED = R.expand_dims(lag=[0, 1])
WINDOWS = R.expand_dims(block=[0, 1])
ACTIVITY = netxr.as_activity(np.eye(3, 8), dims=("neuron", "time"))
SCORES = xr.Dataset(
    {"pearson": (("n_steps", "sparsity"), [[0.2, 0.4], [0.5, 0.9]])}, {"n_steps": [100, 900], "sparsity": [0.5, 0.9]}
)
FIGURES = {
    "agreement": ((R, R), {"diagonal": False, "title": ""}),
    "compare": ((R, R), {"score": 1.0, "standardised": False, "groups": None, "titles": ("A", "R")}),
    "compare_over": (({1: R}, {1: R}), {"over": "sparsity", "scores": {1: 0.5}}),
    "facets": ((LAGGED,), {"row": None, "col": "lag"}),
    "good_enough": (
        (SCORES,),
        {"score": "pearson", "at": 0.9, "x": None, "y": None, "row": None, "col": None} | {"title": ""},
    ),
    "lags": ((LAGGED,), {"pairs": None, "samples": None, "title": ""}),
    "linked": ((R, R), {"activity": None, "selection": None}),
    "map": ((SCORES,), {"x": "sparsity", "y": "n_steps", "score": "pearson", "title": ""}),
    "matrix": ((R,), {"p_value": None, "q": 0.05, "limits": None, "groups": None, "title": ""}),
    "network": (
        (R,),
        {"layout": "circle", "positions": None, "edges": 3, "sign": "both", "p_value": None, "q": 0.05}
        | {"groups": None, "title": ""},
    ),
    "overview": ((R, R), {"score": 1.0}),
    "raster": ((ACTIVITY,), {"neurons": None, "start": 0, "n_steps": None}),
    "score_curve": (
        (SCORES,),
        {"x": "n_steps", "score": "pearson", "xlabel": None, "ylabel": None, "title": ""},
    ),
    "traces": ((ACTIVITY,), {"neurons": None, "start": 0, "n_steps": None}),
    "windows": ((WINDOWS,), {"pairs": None, "title": ""}),
}
KEYWORDS = [(name, keyword) for name, (_, keywords) in FIGURES.items() for keyword in keywords]
WRONG = (
    np.array(["a", "b"]),
    np.array("lag"),
    np.arange(9.0, 13.0),
    pd.NA,
    (pd.NA, "x"),
    (np.arange(2), np.arange(2)),
    object(),
    xr.Dataset({"a": 1}),
    pd.Series(["a", "b"]),
)


@pytest.mark.parametrize("name", FIGURES)
def test_these_are_all_keywords(name):
    data, keywords = FIGURES[name]
    getattr(netxr.plot, name)(*data, **keywords)
    found = signature(getattr(netxr.plot, name)).parameters.values()
    assert list(keywords) == [one.name for one in found if one.kind == one.KEYWORD_ONLY]


@pytest.mark.parametrize(("name", "keyword"), KEYWORDS, ids="-".join)
def test_what_a_keyword_cannot_be_is_refused_by_its_name(name, keyword):
    data, keywords = FIGURES[name]
    for wrong in WRONG:
        with pytest.raises(InvalidInput, match=rf"\b{keyword}: got"):
            getattr(netxr.plot, name)(*data, **keywords | {keyword: wrong})


@pytest.mark.parametrize("titles", ["AR", ("A",), ("A", "B", "C"), (1, 2), {"A": 1, "R": 2}])
def test_titles_are_two_texts(titles):
    with pytest.raises(InvalidInput, match="titles: got"):
        netxr.plot.compare(R, R, titles=titles)


def test_an_axis_may_be_without_a_name():
    (axis,) = on_paper(netxr.plot.score_curve(SCORES, x="n_steps", xlabel="", ylabel="")).axes
    assert (axis.get_xlabel() + axis.get_ylabel()).strip() == ""
