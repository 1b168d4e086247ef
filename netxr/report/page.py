"""One self-contained HTML page of numbers and interactive figures, which opens without a network."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final, NamedTuple

import holoviews as hv
import numpy as np
from bokeh.embed import components
from bokeh.models import ColumnDataSource, Plot
from bokeh.resources import Resources

from netxr.errors import InvalidInput, OutputExists
from netxr.plot.files import static_view
from netxr.plot.style import title_over

SCRIPTS: Final = ("bokeh", "bokeh-widgets")
"""Parts of bokeh that figures need: plots, and the titles over them."""

MOST_PANELS: Final = 4
"""Up to so many panels wrap in a narrow window; more keep their grid, and scroll."""

NOBODY_IS_ASKED: Final = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:"
)
"""Content security policy: the browser itself refuses any request, for fonts and formulas as for everything else."""

STYLE: Final = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1.25rem 4rem; max-width: 66rem; color: #222; background: #fff;
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: .5rem 0 1rem; }
h2 { font-size: 1.25rem; line-height: 1.3; margin: 2.75rem 0 .5rem; padding-top: .9rem; border-top: 1px solid #ddd; }
p { max-width: 44rem; margin: .5rem 0; }
.figure, .table { overflow-x: auto; overflow-y: hidden; margin: 1rem 0; padding-bottom: .75rem; }
.figure { display: flex; flex-wrap: wrap; gap: 1rem 1.5rem; }
.over { white-space: pre-line; font-weight: 600; margin-top: 1rem; }
.over:empty { display: none; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { padding: .22rem .9rem .22rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid #eee; }
th { font-weight: 600; border-bottom: 1px solid #999; }
td.number, th.number { text-align: right; white-space: nowrap; }
td.off { color: #b00020; font-weight: 600; }
pre { overflow-x: auto; padding: .75rem 1rem; background: #f6f6f6; border-radius: 4px; font-size: .8125rem; }
summary { cursor: pointer; margin: .75rem 0; color: #1f5a96; }
nav ul { padding-left: 1.2rem; margin: .5rem 0; }
a { color: #1f5a96; }
"""


class Table(NamedTuple):
    """Rows of cells under their names.

    Parameters
    ----------
    title, text : str
        Heading, and what to see in it.
    rows : sequence of mapping
        Cells by name of column, the same names in every row.
    folded : bool
        Whether the rows are hidden until they are asked for.
    """

    title: str
    text: str
    rows: Sequence[Mapping[str, Any]]
    folded: bool = False


class Listing(NamedTuple):
    """Lines to be copied: code, or what a file says.

    Parameters
    ----------
    title, text : str
        Heading, and what the lines are.
    lines : str
        The lines.
    """

    title: str
    text: str
    lines: str


class Figure(NamedTuple):
    """A figure with its heading, and what to see in it.

    Parameters
    ----------
    title, text : str
        Heading, and what to look at.
    figure : HoloViews object
        What a function of netxr.plot returned.
    """

    title: str
    text: str
    figure: Any


Part = Table | Figure | Listing
"""A section of a page."""


def write_report(path: str | Path, *, title: str, text: str = "", parts: Sequence[Part]) -> Path:
    """Write tables and interactive figures as one HTML file that asks no other host for anything.

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

    Returns
    -------
    Path
        The file.

    Raises
    ------
    OutputExists
        If there is something at `path`.
    InvalidInput
        If the folder does not exist.

    Examples
    --------
    >>> import tempfile
    >>> parts = [Table("Scores", "One number.", [{"score": "pearson", "value": "0.96"}])]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = write_report(folder + "/report.html", title="A run", parts=parts)
    ...     "0.96" in page.read_text("utf-8")
    True
    """
    path = Path(path)
    check_new(path)
    page = _page(title, text, parts)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(page)
    except FileExistsError:
        raise OutputExists(path) from None
    return path


def check_new(path: Path) -> None:
    """Raise if no new file can be made at `path`, before anything is drawn for it.

    Raises
    ------
    OutputExists
        If there is something.
    InvalidInput
        If the folder does not exist.
    """
    if path.exists():
        raise OutputExists(path)
    if not path.absolute().parent.is_dir():
        raise InvalidInput("path", got=repr(str(path)), expected="a file in a folder that exists", fix="Make it first.")


def _page(title: str, text: str, parts: Sequence[Part]) -> str:
    """Return the whole page."""
    names = [f"part-{k}" for k in range(len(parts))]
    models = {
        f"{name}-{k}": _drawn(panel)
        for name, part in zip(names, parts, strict=True)
        if isinstance(part, Figure)
        for k, panel in enumerate(_panels(part.figure))
    }
    script, divs = components(models) if models else ("", {})
    # Not .render(): it would add files of whatever extension of bokeh happens to be loaded.
    library = Resources(mode="inline", components=list(SCRIPTS)).js_raw if models else []
    bokeh = "\n".join(f"<script>{code}</script>" for code in library)
    contents = "".join(
        f'<li><a href="#{name}">{escape(part.title)}</a></li>' for name, part in zip(names, parts, strict=True)
    )
    sections = "\n".join(_section(name, part, divs) for name, part in zip(names, parts, strict=True))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{NOBODY_IS_ASKED}">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n{bokeh}\n</head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n<p>{escape(text)}</p>\n<nav><ul>{contents}</ul></nav>\n"
        f"{sections}\n{script}\n</body>\n</html>\n"
    )


def _section(name: str, part: Part, divs: Mapping[str, str]) -> str:
    """Return one section of the page."""
    if isinstance(part, Table):
        body = _table(part)
    elif isinstance(part, Listing):
        body = f"<pre>{escape(part.lines)}</pre>"
    else:
        panels = "\n".join(div for place, div in divs.items() if place.rpartition("-")[0] == name)
        body = f'<p class="over">{escape(_title_over(part.figure))}</p>\n<div class="figure">{panels}</div>'
    return f'<section id="{name}">\n<h2>{escape(part.title)}</h2>\n<p>{escape(part.text)}</p>\n{body}\n</section>'


def _drawn(figure: Any) -> Any:
    """Return the bokeh model of a figure, its tools below it, where they take no width."""
    model = hv.render(static_view(figure), backend="bokeh")
    for source in model.select({"type": ColumnDataSource}):
        if "image" in source.data:  # seven digits tell colours apart, in half the room
            source.data["image"] = [np.asarray(image, dtype=np.float32) for image in source.data["image"]]
    if isinstance(model, Plot):
        model.toolbar_location = "below"
        model.toolbar.logo = None
    for plot in model.select({"type": Plot}):
        plot.sizing_mode = None  # the frame has a size, which is all that "fixed" would ask for
    return model


def _panels(figure: Any) -> list[Any]:
    """Return what is drawn side by side where there is room, and one below the other where there is not."""
    return list(figure) if _wraps(figure) else [figure]


def _wraps(figure: Any) -> bool:
    """Return whether a figure is a few panels, which need no grid to be understood."""
    return isinstance(figure, hv.Layout) and len(figure) <= MOST_PANELS


def _title_over(figure: Any) -> str:
    """Return the title over all panels, where they are drawn one by one."""
    return title_over(figure) if _wraps(figure) else ""


def _table(part: Table) -> str:
    """Return a table as HTML."""
    names = list(part.rows[0]) if part.rows else []
    numbers = {name for name in names if all(_is_number(row[name]) for row in part.rows)}
    head = "".join(f"<th{_kind('', name in numbers)}>{escape(name)}</th>" for name in names)
    body = "\n".join(f"<tr>{''.join(_cell(row[name], name in numbers) for name in names)}</tr>" for row in part.rows)
    table = f'<div class="table"><table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table></div>'
    return f"<details><summary>Show {len(part.rows)} rows</summary>{table}</details>" if part.folded else table


def _cell(value: Any, is_number: bool) -> str:
    """Return one cell of a table."""
    return f"<td{_kind(value, is_number)}>{escape(str(value))}</td>"


def _kind(value: Any, is_number: bool) -> str:
    """Return the attribute that sets a column of numbers to the right and marks what is off."""
    if str(value) == "OFF":
        return ' class="off"'
    return ' class="number"' if is_number else ""


def _is_number(value: Any) -> bool:
    """Return whether a cell is a number, or says that it is undefined."""
    text = str(value)
    return text.lstrip("-").replace(".", "", 1).replace("e-", "", 1).isdigit() or text == "undefined"
