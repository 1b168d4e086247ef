"""Tables of trials and other events that come with a recording."""

import xarray as xr

from netxr.errors import InvalidInput
from netxr.recordings.formats.guards import readable_as
from netxr.recordings.formats.nwb import events as nwb_events
from netxr.recordings.formats.registry import check_trust, format_of
from netxr.schema.arguments import check_name, check_path
from netxr.store.staging import PathLike


def load_events(path: PathLike, *, name: str | None = None, trusted: bool = False) -> xr.Dataset:
    """Load the table of trials of an NWB file, or another of its tables of intervals.

    What it returns is what `cut_trials` takes, as is a DataFrame that pandas read from any other file.

    Parameters
    ----------
    path : path-like
        The file.
    name : str, optional
        Which table, by its path in the file or the end of it, e.g. "epochs"; if not given, that of trials, or the only
        one.
    trusted : bool
        As in `load_recording`.

    Returns
    -------
    Dataset
        `onset` (trial), in seconds by the clock of the session, as the times of the file's recordings are; what else
        the table has of numbers or text for each event, such as `stop_time` and the stimulus; `trial`, its ids.

    Raises
    ------
    UnreadableFile
        If the file is missing or damaged.
    InvalidInput
        If it is no NWB file, or `name` is needed or fits no table; the message lists what is there.
    MissingExtra
        If h5py is not installed.

    Examples
    --------
    >>> import h5py, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with h5py.File(folder + "/a.nwb", "w") as file:
    ...         file["intervals/trials/id"], file["intervals/trials/start_time"] = [0, 1], [2.5, 7.0]
    ...     load_events(folder + "/a.nwb").onset.values.tolist()
    [2.5, 7.0]
    """
    check_name(name)
    place = check_path("path", path)
    one = format_of(place)
    if one.name != "nwb":
        fix = "Read other tables with pandas, and give the DataFrame to netxr.cut_trials."
        raise InvalidInput("path", got=f"{place}, a file of format {one.name!r}", expected="an NWB file", fix=fix)
    check_trust(one, place, trusted)
    with readable_as("NWB", place):
        return nwb_events.read(place, name)
