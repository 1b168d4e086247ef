"""Run the notebooks anew, and store them with what they show, figures as pictures that any viewer renders.

Run it with ``python examples/run_notebooks.py [NAME ...]``, with `pip install ".[test]"`; without names, all of them.
In Jupyter, a notebook draws the same figures to hover over and zoom into.
"""

import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

EXAMPLES = Path(__file__).parent

PICTURES = """
import holoviews as hv
import xarray as xr
from IPython import get_ipython
from netxr.plot.files import picture



def still(moving):
    at = tuple(slider.default for slider in moving.kdims)
    return moving[at] if isinstance(moving, hv.DynamicMap) else moving.last


def shown(figure, **_):
    return {"image/png": picture(figure.map(still, [hv.HoloMap]), "png")}, {}


xr.set_options(display_style="text")
get_ipython().display_formatter.mimebundle_formatter.for_type(hv.core.Dimensioned, shown)
"""
"""What is run, unseen, before a notebook: figures become pictures, at one setting of their sliders."""

KEPT = ("image/png", "text/html", "text/markdown", "text/plain")
"""What of an output is stored."""


def main() -> None:
    """Run the notebooks that are named."""
    for name in sys.argv[1:] or sorted(path.stem for path in EXAMPLES.glob("*.ipynb")):
        path = EXAMPLES / f"{name}.ipynb"
        notebook = nbformat.read(path, as_version=4)
        run(notebook)
        nbformat.write(notebook, path)
        print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB")


def run(notebook: nbformat.NotebookNode) -> None:
    """Run a notebook in an empty folder, and keep what its cells show."""
    cells = notebook.cells
    notebook.cells = [nbformat.v4.new_code_cell(PICTURES), *cells]
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook,
            timeout=600,
            kernel_name="python3",
            record_timing=False,
            resources={"metadata": {"path": folder}},
        )
        client.execute(env=os.environ | {"TMPDIR": folder, "LOGNAME": "user"})
    notebook.cells = cells
    notebook.metadata.pop("language_info", None)
    for number, cell in enumerate((cell for cell in cells if cell.cell_type == "code"), start=1):
        cell.execution_count, cell.metadata = number, {}
        cell.outputs = [kept for kept in map(_kept, cell.outputs) if kept is not None]
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = number


def _kept(output: nbformat.NotebookNode) -> nbformat.NotebookNode | None:
    """Return what of an output is stored: nothing of scripts that a page would run, or of bars of progress."""
    if output.output_type == "stream":
        return output if output.name == "stdout" else None
    output.data = {kind: output.data[kind] for kind in KEPT if kind in output.data}
    if "<script" in output.data.get("text/html", "") or not output.data:
        return None
    if "image/png" in output.data:
        output.data.pop("text/plain", None)
    output.metadata = {}
    return output


if __name__ == "__main__":
    main()
