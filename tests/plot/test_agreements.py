import holoviews as hv
import numpy as np
import pytest
from bokeh.models import BasicTickFormatter

import netxr
from netxr.errors import InvalidInput
from netxr.plot import agreement
from tests.plot.drawn import draw, on_paper, on_screen, title_of, titles_of
from tests.runs import labelled

BACKENDS = pytest.mark.parametrize("backend", ["bokeh", "matplotlib"])


def notes(panel):
    return list(panel["note"]) if isinstance(panel, hv.Labels) else []


@pytest.fixture
def noisy_pair():
    rng = np.random.default_rng(3)
    A = (rng.random((12, 12)) < 0.3) * 0.5
    return labelled(A, list("abcdefghijkl")), labelled(A + rng.normal(size=A.shape) * 0.4, list("abcdefghijkl"))


@pytest.mark.parametrize("diagonal", [True, False])
def test_scores_and_counts_are_those_of_compare(noisy_pair, diagonal):
    A, R = noisy_pair
    R = R.copy()
    R[3, 4], R[5, 5] = np.nan, np.inf
    figure = agreement(A, R[::-1, 2:], diagonal=diagonal, title="Run {1}")
    scores = netxr.compare(A, R[::-1, 2:], diagonal=diagonal, permutations=0)
    words = "with" if diagonal else "without"
    assert title_of(figure) == (
        f"Run {{1}}\n{int(scores.n_pairs)} pairs of neurons ({words} the diagonal), "
        f"{int(scores.n_undefined)} left out as undefined\n"
        "2 sources left out, in one of the two only"
    )
    _, _, roc, precision = titles_of(figure)
    assert roc == f"ROC curve: AUC {scores.roc_auc:.3f}\n(dashed: chance)"
    assert precision.startswith(f"Average precision {scores.average_precision:.3f}\n")
    assert [on_paper(panel).axes[0].get_title() for panel in list(figure)[2:]] == [roc, precision]
    assert [on_screen(panel).title.text for panel in list(figure)[2:]] == [roc, precision]
    drawn = figure.Points.I.array()
    expected = {
        (A.sel(target=to, source=from_).item(), R.sel(target=to, source=from_).item())
        for to in "abcdefghijkl"
        for from_ in "cdefghijkl"
        if np.isfinite(R.sel(target=to, source=from_)) and (diagonal or to != from_)
    }
    assert set(map(tuple, drawn)) == expected
    assert len(drawn) == int(scores.n_pairs)


def test_with_inhibition_edges_are_found_by_magnitude_as_in_compare(noisy_pair):
    A, R = noisy_pair
    signs = np.random.default_rng(5).choice([-1.0, 1.0], A.shape)
    figure = agreement(signs * A, signs * R, diagonal=False)
    scores = netxr.compare(signs * A, signs * R, diagonal=False, permutations=0)
    _, _, roc, precision = titles_of(figure)
    assert roc == f"ROC curve: AUC {scores.roc_auc:.3f}\n(by |R|; dashed: chance)"
    assert precision.startswith(f"Average precision {scores.average_precision:.3f}\n(by |R|; dashed: chance")
    assert len({round(float(one.roc_auc), 6) for one in (scores, netxr.compare(A, signs * R, diagonal=False))}) == 2


def test_many_pairs_are_counted_in_cells():
    rng = np.random.default_rng(4)
    A = labelled(rng.normal(size=(90, 90)))
    R = 0.5 * A + labelled(rng.normal(size=(90, 90)))
    image = agreement(A, R, diagonal=True)[0, 0]
    counts = image.dimension_values(2, flat=False)
    assert np.nansum(counts) == 8100
    x, y = image.dimension_values(0, expanded=False), image.dimension_values(1, expanded=False)
    width, height = np.diff(x)[0], np.diff(y)[0]
    row, column = np.unravel_index(np.nanargmax(counts), counts.shape)
    inside = (np.abs(A - x[column]) < width / 2) & (np.abs(R - y[row]) < height / 2)
    assert int(inside.sum()) == np.nanmax(counts)
    for backend in ("bokeh", "matplotlib"):
        draw(image, backend)


@BACKENDS
@pytest.mark.parametrize(("weight", "word"), [(0.0, "no"), (0.5, "every")])
def test_one_class_alone_has_no_curves_which_they_say(noisy_pair, backend, weight, word):
    _, R = noisy_pair
    figure = agreement(R * 0 + weight, R, diagonal=False)
    assert [notes(panel) for panel in figure][2:] == [[f"undefined:\n{word} pair has an edge"]] * 2
    assert len(figure.Overlay.I.Segments.I) == 1
    for panel in figure:
        draw(panel, backend)


@BACKENDS
def test_panels_without_a_defined_pair_say_so(noisy_pair, backend):
    A, R = noisy_pair
    figure = agreement(A, R * np.nan, diagonal=False)
    assert [notes(panel) for panel in figure] == [["no pair of neurons\nis defined on both sides"]] * 4
    assert "0 pairs" in title_of(figure)
    assert "132 left out" in title_of(figure)
    for panel in figure:
        draw(panel, backend)
    assert len(agreement(A[:1, :1], R[:1, :1], diagonal=False)) == 4


def test_constant_values_and_a_single_source_are_drawn(noisy_pair):
    A, R = noisy_pair
    on_screen(agreement(A, R * 0 + 2, diagonal=True))
    one = agreement(A, R.sel(source="b"), diagonal=False)
    assert "11 pairs" in title_of(one)
    assert on_paper(one).get_suptitle() == title_of(one)


def test_what_cannot_be_compared_is_refused(noisy_pair):
    A, R = noisy_pair
    with pytest.raises(InvalidInput, match="diagonal: got none; expected True or False"):
        agreement(A, R)
    with pytest.raises(InvalidInput, match="diagonal: got 'no'; expected True or False"):
        agreement(A, R, diagonal="no")
    with pytest.raises(InvalidInput, match=r"R: got labels along target such as 0 \(int\).*labels that A has"):
        agreement(A, labelled(R.values), diagonal=False)
    with pytest.raises(InvalidInput, match="A: got 12 targets x 3 sources"):
        agreement(A[:, :3], R, diagonal=False)


def test_small_numbers_are_written_as_such():
    A = labelled(np.eye(4) * 0.5, list("abcd"))
    figure = agreement(A, A * 0.01, diagonal=True)
    formatters = [one for panel in list(figure)[:2] for one in on_screen(panel).select({"type": BasicTickFormatter})]
    assert formatters
    assert all(10.0**one.power_limit_low < 0.001 for one in formatters)


def test_one_pair_is_one():
    A = labelled([[0.5]])
    assert title_of(agreement(A, A, diagonal=True)) == "1 pair of neurons (with the diagonal)"
