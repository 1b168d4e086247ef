"""Figures in a notebook, without a word from the user."""

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

DRAW = "import netxr\nnetxr.plot.matrix(netxr.as_connectivity([[0, 1], [2, 0]], rows='target'))"
OWN = "import holoviews as hv\nhv.extension('matplotlib', logo=False)"


def outputs_of(tmp_path, *cells):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    return [output for cell in notebook.cells for output in cell.outputs]


def test_a_figure_shows_as_one_and_not_as_text(tmp_path):
    figure = outputs_of(tmp_path, DRAW)[-1]
    assert figure.output_type in ("display_data", "execute_result")
    assert "<div" in figure.data["text/html"]
    assert "bokeh" in str(figure.data).lower()


def test_a_backend_that_the_user_chose_stays(tmp_path):
    figure = outputs_of(tmp_path, OWN, DRAW)[-1]
    assert "data:image/png" in figure.data["text/html"]
