"""One self-contained HTML page of numbers and interactive figures, which opens without a network."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, NamedTuple

import holoviews as hv
from bokeh.embed import components
from jinja2 import Environment

from netxr import names as n
from netxr.plot.files import library, on_screen
from netxr.plot.style import title_over
from netxr.schema.arguments import check_listener, check_vacant
from netxr.schema.outputs import write_new
from netxr.schema.words import UNDEFINED, reads_as_number

MOST_PANELS: Final = 4
"""Figures of up to so many panels wrap in a narrow window; larger ones keep their grid, and scroll."""

TEMPLATE: Final = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
    (files("netxr.report") / "page.html").read_text("utf-8")
)


class Table(NamedTuple):
    """Rows of cells under their names."""

    title: str
    text: str
    """Heading, and what to see in it."""
    rows: Sequence[Mapping[str, Any]]
    """Cells by name of column, the same names in every row."""
    folded: bool = False
    """Whether the rows are hidden until the reader unfolds them."""

    @property
    def columns(self) -> dict[str, bool]:
        """Whether a column holds numbers only, undefined ones among them, by its name."""
        names = list(self.rows[0]) if self.rows else []
        texts = {name: [str(row[name]) for row in self.rows] for name in names}
        return {
            name: all(cell == UNDEFINED or reads_as_number(cell) for cell in cells) for name, cells in texts.items()
        }


class Listing(NamedTuple):
    """Lines to be copied: code, or what a file says."""

    title: str
    text: str
    """Heading, and what the lines are."""
    lines: str


class Figure(NamedTuple):
    """A figure with its heading, and what to see in it."""

    title: str
    text: str
    """Heading, and what to look at."""
    figure: Any
    """What a function of netxr.plot returned."""

    @property
    def panels(self) -> list[Any]:
        """The panels, drawn side by side if there is room, else one below the other."""
        return list(self.figure) if self._wraps else [self.figure]

    @property
    def title_over(self) -> str:
        """The title over all panels, if they are drawn one by one."""
        return title_over(self.figure) if self._wraps else ""

    @property
    def _wraps(self) -> bool:
        """Whether the figure has so few panels that it needs no grid."""
        return isinstance(self.figure, hv.Layout) and len(self.figure) <= MOST_PANELS


Part = Table | Figure | Listing
"""A section of a page."""


def write_report(
    path: str | Path, *, title: str, text: str = "", parts: Sequence[Part], progress: n.Progress | None = None
) -> Path:
    """Write tables and interactive figures as one HTML file that works without a network.

    Parameters
    ----------
    path : str or Path
        The file to make, in a folder that exists.
    title : str
        Title of the page.
    text : str
        What the page is about.
    parts : sequence of Table, Figure or Listing
        Sections of the page, in order.
    progress : callable, optional
        Called with (sections drawn, sections in all).

    Returns
    -------
    Path
        The file.

    Raises
    ------
    OutputExists
        If something exists at `path`.
    InvalidInput
        If the folder does not exist, or may not be written to.

    Examples
    --------
    >>> import tempfile
    >>> parts = [Table("Scores", "One number.", [{"score": "pearson", "value": "0.96"}])]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = write_report(folder + "/report.html", title="A run", parts=parts)
    ...     "0.96" in page.read_text("utf-8")
    True
    """
    path = check_vacant("path", path)
    if progress is not None:
        check_listener("progress", progress, what="sections drawn, sections in all")
    return write_new(path, _page(title, text, parts, progress).encode())


def _page(title: str, text: str, parts: Sequence[Part], progress: n.Progress | None) -> str:
    """Return the whole page."""
    models: dict[tuple[int, int], Any] = {}
    for place, part in enumerate(parts):
        if isinstance(part, Figure):
            models |= {(place, k): on_screen(panel) for k, panel in enumerate(part.panels)}
        if progress is not None:
            progress(place + 1, len(parts))
    script, divs = components({f"{place}-{k}": model for (place, k), model in models.items()}) if models else ("", {})
    panels = [[divs[f"{at}-{k}"] for at, k in models if at == place] for place in range(len(parts))]
    return TEMPLATE.render(
        title=title, text=text, parts=parts, panels=panels, library=library() if models else [], script=script
    )
