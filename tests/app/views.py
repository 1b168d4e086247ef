"""What tests of the tabs look at: the Python lines of a view, its files, its figures."""

import ast
import io

import holoviews as hv
import numpy as np
import pandas as pd
import panel as pn
from bokeh.models import Plot

from netxr.app.frame.folder import Folder
from tests.app.pages import OpenPage


def opened(pages, folder, search, **options):
    """A page at an address, over a folder."""
    pages.append(OpenPage(search, folder=Folder(folder), **options))
    return pages[-1].wait()


def choose(page, label, value):
    """Choose in a list, type into a field, press one of several buttons."""
    page.widget(label).value = value
    return page.wait()


def press(page, label):
    """Press a button."""
    page.widget(label).clicks += 1
    return page.wait()


def open_step(page, title):
    """Open a step of the rail."""
    heads = [one for one in page.page.body.select(pn.widgets.Button) if "stephead" in one.css_classes]
    next(one for one in heads if one.name.startswith(title)).clicks += 1
    return page.wait()


def figures(page):
    """The figures that are shown."""
    return [pane.object for pane in page.page.body.select(pn.pane.HoloViews) if pane.object is not None]


def dimmed(page):
    """Parts of the page that are dimmed, since they are not of the current settings."""
    return [one for one in page.page.body.select(pn.Column) if one.styles.get("opacity") == "0.35"]


def panels_of(figure):
    """The panels of a figure."""
    return list(figure) if isinstance(figure, hv.Layout) else [figure]


def table(page):
    """The numbers of the view, as they are taken along."""
    return pd.read_csv(io.BytesIO(download(page, "CSV")))


def download(page, label):
    """A file of the view."""
    found = [one for one in page.page.body.select(pn.widgets.FileDownload) if one.label == label]
    return found[0].callback().read()


def lines(page):
    """The Python lines of the view."""
    switch = page.widget("Python")
    switch.value = False
    switch.value = True
    return next(one for one in page.page.body.select(pn.widgets.TextAreaInput) if one.name == "Lines of Python").value


def run_lines(page):
    """What the lines leave, and the figure that is their last expression."""
    *statements, last = ast.parse(lines(page)).body
    space = {}
    exec(compile(ast.Module(statements, []), "lines", "exec"), space)  # noqa: S102 - the lines of our own page
    assert isinstance(last, ast.Expr)
    return space, eval(compile(ast.Expression(last.value), "lines", "eval"), space)  # noqa: S307


def columns_of(pane):
    """The columns of all that bokeh draws in a pane, where the axes end, and who stands in the legend."""
    (plot,) = (one for one in pane.get_root().references() if isinstance(one, Plot))
    drawn = [one.data_source.data for one in plot.renderers if hasattr(one, "data_source")]
    columns = [{name: str(np.asarray(column).tolist()) for name, column in data.items()} for data in drawn]
    ends = [(one.start, one.end) for one in (plot.x_range, plot.y_range)]
    return columns, ends, [[item.label.value for item in legend.items] for legend in plot.legend]
