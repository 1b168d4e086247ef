import numpy as np
import pytest
from scipy.stats import gaussian_kde

from netxr.plot.scores.violins import HALF, violins
from tests.plot.drawn import draw


def outlines(figure):
    return [(path["x"], path["y"]) for path in figure.Polygons.I.split(datatype="dictionary")]


def test_outlines_are_kernel_densities_and_lines_medians():
    values = np.random.default_rng(1).gamma(2.0, size=2000)
    figure = violins({"a": values, "b": -values[:50]}, ylabel="R", title="two")
    assert figure.Segments.I["y0"].tolist() == pytest.approx([np.median(values), -np.median(values[:50])])
    for middle, (own, (x, y)) in enumerate(zip((values, -values[:50]), outlines(figure), strict=True)):
        assert (y.min(), y.max()) == pytest.approx((own.min(), own.max()), abs=0.01 * np.ptp(own))
        right = x > middle
        density = gaussian_kde(own)(y[right])
        np.testing.assert_allclose(x[right] - middle, HALF * density / density.max(), atol=0.02)


@pytest.mark.crossed(1)
@pytest.mark.parametrize("backend", ["bokeh", "matplotlib"])
@pytest.mark.parametrize("values", [[], [0.3], [0.3, 0.3]])
def test_groups_without_spread_have_a_median_alone(backend, values):
    figure = violins({"some": np.array([0.0, 1.0]), "few": np.array(values)}, ylabel="R", title="")
    assert len(outlines(figure)) == 1
    assert len(figure.Segments.I) == 1 + bool(values)
    alone = violins({"few": np.full(3, 0.3)}, ylabel="R", title="")
    for one in (figure, alone):
        draw(one, backend)


@pytest.mark.parametrize("scale", [1e300, 1e-300])
def test_huge_and_tiny_values_have_the_same_outline(scale):
    values = np.array([0.0, 1.0, 1.5, -2.0])
    ((x, y),) = outlines(violins({"some": values}, ylabel="R", title=""))
    ((x_scaled, y_scaled),) = outlines(violins({"some": scale * values}, ylabel="R", title=""))
    np.testing.assert_allclose(x_scaled, x)
    np.testing.assert_allclose(y_scaled, scale * y)
