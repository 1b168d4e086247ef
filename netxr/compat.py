"""Where netxr leans on other libraries: packages that may be missing, and private parts that have no public way yet.

Each private part is said with the version it was seen in. When a library changes, look here first. Nothing heavy is
loaded before it is needed.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from functools import cache, partial
from importlib import import_module
from types import NoneType
from typing import Any, TypeVar

from netxr.errors import MissingExtra

Class = TypeVar("Class", bound=type)


def optional(module: str, *, what: str, extra: str) -> Any:
    """Return a module of an optional package.

    Parameters
    ----------
    module : str
        Its name.
    what : str
        What needs it, the subject of a sentence.
    extra : str
        Which extra of netxr brings it.

    Raises
    ------
    MissingExtra
        If it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtra(what, package=(error.name or module).partition(".")[0], extra=extra) from error


def show_in_notebook() -> None:
    """Let figures show where a Jupyter kernel runs, unless the user has loaded the extension of HoloViews.

    Whether it is loaded says `notebook_extension._loaded` (HoloViews 1.23). Its scripts come with it, not from a host.
    """
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if hasattr(shell, "kernel") and not import_module("holoviews.ipython").notebook_extension._loaded:
        import_module("holoviews").extension("bokeh", inline=True, logo=False)


def release_colorbars(figure: Any) -> None:
    """Let a matplotlib figure leave memory: HoloViews 1.23 keeps every axis with a colour bar for ever."""
    colorbars = import_module("holoviews.plotting.mpl.element").ColorbarPlot._colorbars
    for axis in figure.axes:
        colorbars.pop(id(axis), None)


def option_ids(panels: Sequence[Any]) -> list[Any]:
    """Return what ties HoloViews elements to their options (`id`, HoloViews 1.23)."""
    return [panel.id for panel in panels]


def set_option_ids(panels: Sequence[Any], ids: Sequence[Any]) -> None:
    """Tie elements to their options again: HoloViews 1.23 gives each DynamicMap of a Layout those of the last one."""
    for panel, own in zip(panels, ids, strict=True):
        panel.id = own


def drawn_columns(plot: Any, element: Any, *, clim: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the columns with which a plot of HoloViews draws an element of its kind, and what marks without any take.

    Colours and widths by value are columns too (`_apply_transforms`, HoloViews 1.23); their range becomes `clim`.
    """
    if clim is not None:
        plot.clim = clim
    style = plot.lookup_options(element, "style")[plot.cyclic_index]
    columns, mapping, style = plot.get_data(element, plot.current_ranges, style)
    plot._apply_transforms(element, columns, plot.current_ranges, style)
    return columns, mapping


def tornado_application(server: Any) -> Any:
    """Return the Tornado application of a bokeh server, which decides who is answered (`_tornado`, bokeh 3.9)."""
    return server._tornado


def set_location(document: Any, location: Any) -> None:
    """Have panel take `location` for the address of a page (`_locations`, panel 1.9)."""
    import_module("panel").state._locations[document] = location


def reads_its_own_query(location: Class) -> Class:
    """Keep panel from reading the query of a class of locations (`_update_synced`, panel 1.9).

    It takes numbers out of the query, and fails where they are too long or no decimal digits.
    """
    location._update_synced = lambda self, event=None: None  # type: ignore[attr-defined]
    return location


def without_icons(table: Class) -> Class:
    """Keep panel from giving tables of a class a style sheet of icons (`_stylesheets`, panel 1.5 to 1.9).

    It holds 59 kB, and until it is there the table asks for it in a loop that takes the browser's whole thread.
    """
    table._stylesheets = []  # type: ignore[attr-defined]
    return table


def has_room_before(pane: Class) -> Class:
    """Have panes of a class take the room and the look of a figure that is still to come (`_get_model`, panel 1.9).

    Panel puts an empty part without height or classes there.
    """
    made = pane._get_model  # type: ignore[attr-defined]

    def model_of(self: Any, *given: Any, **more: Any) -> Any:
        """Return what stands for the pane on a page."""
        model = made(self, *given, **more)
        if self.object is None:
            model.update(css_classes=self.css_classes, min_height=self.min_height, sizing_mode="stretch_width")
        return model

    pane._get_model = model_of  # type: ignore[attr-defined]
    return pane


@cache
def style_parts_before_they_are_listed() -> None:
    """Have panel style a part that bokeh has not listed yet as one of the page at work (`_get_properties`, panel 1.9).

    Of a part without a page it asks another host for style sheets.
    """
    reactive, state = import_module("panel.reactive").Reactive, import_module("panel").state
    made = reactive._get_properties
    reactive._get_properties = lambda self, page: made(self, page or state.curdoc)


@cache
def defaults_looked_up_once() -> None:
    """Have bokeh keep the default of a property of a class, which it makes up at each look (`_get_default`, bokeh 3.9).

    A page of figures has thousands, and each is looked at whenever parts are listed, or sent to the browser.
    """
    descriptor = import_module("bokeh.core.property.descriptors").PropertyDescriptor
    made = descriptor._get_default
    kept: dict[tuple[type, str], Any] = {}

    def default_of(self: Any, model: Any) -> Any:
        """Return the default of a property, kept if it cannot be changed; a theme may have others."""
        if model.themed_values():
            return made(self, model)
        key = type(model), self.name
        if key not in kept:
            default = made(self, model)
            if self.has_unstable_default(model) or not isinstance(default, NoneType | bool | int | float | str):
                return default
            kept[key] = default
        return kept[key]

    descriptor._get_default = default_of


@contextmanager
def parts_listed_once(document: Any) -> Iterator[None]:
    """List once, at the end, all models of a page, which bokeh does after each change of them (`recompute`, bokeh 3.9).

    That takes some 50 ms with three figures. Its own way, `models.freeze`, lists them also where none has changed, and
    never again after an exception.
    """
    models = None if document is None else document.models
    if models is None or "recompute" in vars(models):
        yield
        return
    changes: list[None] = []
    models.recompute = partial(changes.append, None)
    try:
        yield
    finally:
        del models.recompute
        if changes:
            models.recompute()


def check_parameter(parameter: Any, value: Any) -> None:
    """Raise ValueError if a parameter of param cannot have a value, and set nothing (`_validate`, param 2.4)."""
    parameter._validate(value)


def limit_blas_threads(library: Any, threads: int) -> None:
    """Limit a BLAS library of threadpoolctl to some threads (`_real_set_num_threads`, threadpoolctl 3.7).

    Since 3.7 its own setter does nothing in any thread but the first that ever called it.
    """
    getattr(library, "_real_set_num_threads", library.set_num_threads)(threads)


def array_of_all_chunks(metadata: Any, path: Any) -> Any:
    """Return a Zarr array that writes every chunk, also one of nothing but the fill value (`AsyncArray`, zarr 3.1)."""
    zarr = import_module("zarr")
    return zarr.Array(zarr.AsyncArray(metadata, path, config={"write_empty_chunks": True}))


def wait_for(coroutine: Any) -> Any:
    """Return what a coroutine of Zarr comes to, by Zarr's own event loop (`zarr.core.sync`, zarr 3.1)."""
    return import_module("zarr.core.sync").sync(coroutine)


def wait_for_others(seconds: float) -> None:
    """Wait until what others have begun in Zarr's event loop has ended: who was interrupted no longer waits for it."""
    asyncio = import_module("asyncio")

    async def others_end() -> None:
        """Wait for all tasks but this one."""
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            await asyncio.wait(others, timeout=seconds)

    wait_for(others_end())


def put_bytes(store: Any, key: str, content: bytes) -> None:
    """Write what a key of a Zarr store holds (`zarr.core.buffer`, zarr 3.1)."""
    buffer = import_module("zarr.core.buffer").default_buffer_prototype().buffer
    wait_for(store.set(key, buffer.from_bytes(content)))


def sel_result(indexers: Mapping[Any, Any]) -> Any:
    """Return what `sel` of an index of xarray's hands back (`xarray.core.indexing`, xarray 2025.8 to 2026.9)."""
    return import_module("xarray.core.indexing").IndexSelResult(indexers)


def results_of(tasks: Mapping[Any, Any], keys: Sequence[Any], known: dict[Any, Any]) -> Sequence[Any]:
    """Return the results of some tasks of a dask graph, made in this thread, each held until the last that takes it.

    What each task is, dask says (`dask._task_spec`, dask 2024.12 to 2026.8). A few tasks are made in less time than
    dask takes to put them in order. Of tuples, which stood for tasks before, dask takes care (`dask.core`, 2024.8).
    """
    if not all(hasattr(task, "dependencies") for task in tasks.values()):
        results: Sequence[Any] = _dask_core().get(tasks, keys, cache=known)
        return results
    users = Counter(need for task in tasks.values() for need in task.dependencies)
    waiting = list(keys)
    while waiting:
        task = tasks[waiting[-1]]
        missing = [need for need in task.dependencies if need not in known]
        waiting += missing
        if not missing:
            known[waiting.pop()] = task(known)
            users.subtract(task.dependencies)
            for need in task.dependencies:
                if not users[need] and need in tasks and need not in keys:
                    del known[need]
            while waiting and waiting[-1] in known:
                waiting.pop()
    return [known[key] for key in keys]


def dependencies(graph: Mapping[Any, Any], task: Any) -> Set[Any]:
    """Return what a task of a dask graph needs directly (as above)."""
    needed: Set[Any] | None = getattr(graph[task], "dependencies", None)
    return _dask_core().get_dependencies(graph, task) if needed is None else needed


@cache
def _dask_core() -> Any:
    """Return `dask.core`, which is imported when it is first used."""
    return import_module("dask.core")
