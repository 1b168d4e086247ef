"""Figures on paper: PNG, SVG and PDF files, drawn by matplotlib and without a browser."""

from pathlib import Path
from typing import Any, Final

import holoviews as hv

from netxr.compat import release_colorbars
from netxr.errors import InvalidInput, OutputExists
from netxr.schema.arguments import check_path, check_vacant

FORMATS: Final = ("png", "svg", "pdf")
DPI: Final = 150


def save(figure: Any, path: str | Path) -> Path:
    """Write a figure to a file that does not exist yet.

    Of a figure that is redrawn on zooming, the first view is written.

    Parameters
    ----------
    figure : HoloViews object
        What a function of netxr.plot returns, restyled or combined as you like.
    path : str or Path
        The file to make. Its ending is the format: .png (150 pixels an inch), .svg or .pdf.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InvalidInput
        If `figure` is no figure, the ending is another one, or the folder does not exist.
    OutputExists
        If the file exists.

    Examples
    --------
    >>> save(hv.Curve([1, 2]), "curve.gif")
    Traceback (most recent call last):
    netxr.errors.InvalidInput: path: got 'curve.gif'; expected a name that ends in .png, .svg or .pdf.
    """
    if not isinstance(figure, hv.core.Dimensioned):
        raise InvalidInput(
            "figure", got=type(figure).__name__, expected="a figure, as the functions of netxr.plot return"
        )
    path = check_path("path", path)
    file_format = path.suffix.lower().removeprefix(".")
    if file_format not in FORMATS:
        fix = "Write a page with holoviews.save(figure, path, backend='bokeh')." if file_format == "html" else ""
        raise InvalidInput("path", got=repr(str(path)), expected="a name that ends in .png, .svg or .pdf", fix=fix)
    check_vacant("path", path)
    return write_new(path, picture(figure, file_format))


def write_new(path: Path, content: bytes) -> Path:
    """Write a file that must not exist yet, and return its path."""
    try:
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError:
        raise OutputExists(path) from None
    return path


def picture(figure: Any, file_format: str) -> bytes:
    """Return a figure as the bytes of a "png", "svg" or "pdf" file.

    Examples
    --------
    >>> picture(hv.Curve([1, 2]), "png")[1:4]
    b'PNG'
    """
    renderer = hv.renderer("matplotlib").instance(dpi=DPI)
    drawn, _ = renderer(static_view(figure), fmt=file_format)
    release_colorbars(renderer.last_plot.state)
    return drawn.encode() if isinstance(drawn, str) else bytes(drawn)


def static_view(figure: Any) -> Any:
    """Return a figure as it is first seen, without the parts that are redrawn on zooming."""
    return figure.map(lambda zoomable: zoomable[()], hv.DynamicMap)
