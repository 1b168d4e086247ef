import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import trapezoid
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from netxr.kernels import scores
from netxr.plot.scores.thresholds import detection

PAIRS = st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=2, max_size=40).filter(
    lambda pairs: len({edge for edge, _ in pairs}) == 2
)


def area_of_steps(found):
    return float(found.precision @ np.diff(found.recall, prepend=0.0))


@settings(max_examples=100, deadline=None)
@given(pairs=PAIRS)
def test_curves_and_areas_are_those_of_scikit_learn_ties_included(pairs):
    edge, estimate = np.array([e for e, _ in pairs]), np.array([r for _, r in pairs], dtype=float)
    found = detection(edge, estimate)
    assert found.roc_auc == pytest.approx(roc_auc_score(edge, estimate), abs=1e-12)
    assert found.average_precision == pytest.approx(average_precision_score(edge, estimate), abs=1e-12)
    fpr, tpr, _ = roc_curve(edge, estimate, drop_intermediate=False)
    np.testing.assert_allclose(found.false_positives, fpr, atol=1e-12)
    np.testing.assert_allclose(found.true_positives, tpr, atol=1e-12)
    assert area_of_steps(found) == pytest.approx(found.average_precision, abs=1e-12)
    assert found.roc_auc == pytest.approx(scores.roc_auc(edge * 0.5, estimate), abs=1e-12)
    assert found.average_precision == pytest.approx(scores.average_precision(edge * 0.5, estimate), abs=1e-12)


def test_long_curves_are_thinned_and_keep_their_shape():
    rng = np.random.default_rng(1)
    edge = rng.random(50_000) < 0.1
    estimate = edge * 0.5 + rng.normal(size=edge.size)
    found = detection(edge, estimate)
    assert found.roc_auc == pytest.approx(roc_auc_score(edge, estimate), abs=1e-12)
    assert found.average_precision == pytest.approx(average_precision_score(edge, estimate), abs=1e-12)
    assert len(found.true_positives) <= 1001 >= len(found.recall)
    assert trapezoid(found.true_positives, found.false_positives) == pytest.approx(found.roc_auc, abs=1e-4)
    assert area_of_steps(found) == pytest.approx(found.average_precision, abs=2e-3)
    assert (found.true_positives[0], found.true_positives[-1], found.recall[-1]) == (0, 1, 1)
