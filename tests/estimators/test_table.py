import numpy as np
import pytest
import xarray as xr

import netxr
from netxr.errors import InvalidInput
from netxr.estimators.table import DEFAULT, estimates_in, estimator, estimator_of, method_names
from tests.runs import activity

BROKEN = ["third_broken", "third_raising", "third_stranger"]


def test_the_estimators_that_netxr_brings():
    listed = netxr.methods()
    assert listed.estimator.values.tolist()[:2] == ["lagged_correlation", "correlation"]
    assert listed.directed.values.tolist()[:2] == [True, False]
    assert (listed.package[:2] == "netxr").all()
    for name in ("long_name", "reference", "assumes"):
        assert all(listed[name].values[:2])
    assert DEFAULT == "lagged_correlation"


def test_a_name_that_is_none_gets_the_list_of_those_there_are():
    with pytest.raises(InvalidInput, match=r"method: got 'grangers'; expected one of lagged_correlation, correlation"):
        estimator("grangers")


@pytest.mark.parametrize("name", [["correlation", "lagged_correlation"], {}, np.zeros(2), None])
def test_what_is_not_one_name_is_an_error(name):
    with pytest.raises(InvalidInput, match=r"(?s)method: got .*; expected the name of one estimator: lagged_correlat"):
        estimator(name)


def test_an_estimator_of_another_package_is_listed(third):
    one = netxr.methods().sel(estimator="third_covariance")
    assert one.package == "third-party"
    assert one.long_name == "third covariance"
    assert one.error == ""
    assert estimator("third_covariance") is estimator("third_covariance")


def test_what_cannot_be_loaded_is_listed_with_its_error_and_the_rest_works(third):
    listed = netxr.methods().set_index(estimator="estimator")
    assert set(BROKEN) <= set(method_names())
    for name, told in zip(BROKEN, ("missing", "OSError: no such library", "TypeError"), strict=True):
        error = listed.error.sel(estimator=name).item()
        assert told in error
        assert "third-party" in error
        with pytest.raises(InvalidInput, match=rf"method: got '{name}', of the package third-party, whose entry point"):
            estimator(name)
    assert (listed.error == "").sum() == listed.sizes["estimator"] - len(BROKEN)


def test_the_name_of_an_entry_point_is_that_of_its_estimator(tmp_path, monkeypatch):
    (tmp_path / "renamed.py").write_text(
        "import netxr; made = lambda: netxr.Estimator('a', lambda m, lag: lag + '', long_name='A')"
    )
    (tmp_path / "renamed-1.dist-info").mkdir()
    (tmp_path / "renamed-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: renamed\nVersion: 1\n")
    points = "[netxr.estimators]\na = renamed:made\nb = renamed:made\nlagged_correlation = renamed:made\n"
    (tmp_path / "renamed-1.dist-info" / "entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(tmp_path)
    assert estimator("a").long_name == "A"  # made by a function
    with pytest.raises(
        InvalidInput, match=r"got 'a', of the package renamed, whose function fails \(TypeError: .*renamed"
    ):
        netxr.estimate(activity(), method="a")
    with pytest.raises(InvalidInput, match=r"not a netxr\.Estimator of the name 'b'"):
        estimator("b")
    assert estimator("lagged_correlation").long_name == "lagged correlation"  # the table's own go before
    assert method_names().count("lagged_correlation") == 1
    told = netxr.methods().set_index(estimator="estimator").sel(estimator="lagged_correlation of renamed")
    assert (told.package.item(), told.error.item()) == ("renamed", "ignored: lagged_correlation is the one of netxr")


@pytest.mark.parametrize(
    ("wrong", "argument"),
    [
        *(({"name": name}, "name") for name in ("", "a b", "a-b", "1st", "activity", "comoment", "lag", 3)),
        ({"function": None}, "function"),
        ({"lags": (0, 1)}, "lags"),
        ({"by_rows": True}, "by_rows"),
        ({"long_name": None}, "long_name"),
    ],
)
def test_an_estimator_that_cannot_be_one_is_refused_when_it_is_made(wrong, argument):
    right = {"name": "mine", "function": lambda moments, lag: moments.comoment, "long_name": "mine"}
    assert netxr.Estimator(**right).needs(2) == (2,)
    with pytest.raises(InvalidInput) as caught:
        netxr.Estimator(**(right | wrong))
    assert caught.value.argument == argument


@pytest.mark.parametrize(
    "lags", [lambda lag: 1 / 0, lambda lag: [-lag - 1], lambda lag: [], lambda lag: lag, lambda lag: [0.5]]
)
def test_lags_that_are_none_are_an_error_of_ours(lags):
    one = netxr.Estimator("mine", lambda moments, lag: moments.comoment, long_name="mine", lags=lags)
    with pytest.raises(InvalidInput, match=r"method: got 'mine', whose `lags` (fails \(|returns )"):
        one.needs(1)


def test_estimates_are_found_by_name_and_by_attribute(third):
    matrix = xr.DataArray(np.eye(2), dims=("target", "source"))
    held = xr.Dataset(
        {
            "gone": matrix.assign_attrs(estimator="one of a package that is gone"),
            "third_covariance": matrix,
            "connectivity": matrix,
            "early": matrix.assign_attrs(estimator="correlation"),
            "lagged_correlation": matrix,
        }
    )
    assert estimates_in(held) == ["lagged_correlation", "third_covariance", "gone", "early"]
    made_by = {name: estimator_of(held[name]) for name in held}
    assert made_by["gone"] is made_by["connectivity"] is None
    assert made_by["early"].name == "correlation"
    assert made_by["third_covariance"].long_name == "third covariance"


@pytest.mark.parametrize("name", ["instrumental_variables", "perturbation_effect"])
def test_what_takes_more_than_activity_is_no_method_but_a_function(name):
    with pytest.raises(InvalidInput, match=rf"method: got '{name}'.*Call netxr\.{name}\("):
        netxr.estimate(activity(), method=name)
    assert callable(getattr(netxr, name))


def test_a_regression_is_listed_by_what_it_returns():
    recording = activity()
    found = netxr.estimate(recording, method="regression")
    np.testing.assert_allclose(found, netxr.regression(recording).standardised)
    assert netxr.methods().long_name.sel(estimator="regression").item() == "standardised regression coefficient"
    assert found.attrs["long_name"] == "standardised regression coefficient"
