"""Figures in a notebook, without a word from the user."""

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
pytestmark = pytest.mark.slow

DRAW = "import netxr\nnetxr.plot.matrix(netxr.as_connectivity([[0, 1], [2, 0]], rows='target'))"
OWN = "import holoviews as hv\nhv.extension('matplotlib', logo=False)"


def figure_of(tmp_path, *cells):
    """What the last cell comes to; loading the extension has outputs of its own."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    (result,) = (output for output in notebook.cells[-1].outputs if output.output_type == "execute_result")
    return result.data


def test_a_figure_shows_as_one_and_not_as_text(tmp_path):
    figure = figure_of(tmp_path, DRAW)
    assert "<div" in figure["text/html"]
    assert "bokeh" in figure["text/html"].lower()


def test_a_backend_that_the_user_chose_stays(tmp_path):
    assert "data:image/png" in figure_of(tmp_path, OWN, DRAW)["text/html"]
