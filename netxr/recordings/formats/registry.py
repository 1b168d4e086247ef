"""The formats that netxr reads: how each is recognised, and the function that reads it.

A user's own format is an entry point of the group ``netxr.loaders``. Its name is a suffix without the dot, or a word
for ``format=``; it stands for a function ``load(path, *, ...) -> Dataset`` with an activity (neuron, time[, trial]).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from inspect import Parameter, signature
from pathlib import Path
from typing import Any, Final, Literal

from netxr.errors import InvalidInput, UnreadableFile, one_line
from netxr.recordings.formats.guards import readable_as
from netxr.recordings.formats.reach import check_reach
from netxr.recordings.formats.recognition import NEEDS_OTHERS, REFUSED, SUITE2P_PLACES, content_of, written_by
from netxr.schema.arguments import check_flag

ENTRY_POINTS: Final = "netxr.loaders"


@dataclass(frozen=True)
class Format:
    """One format."""

    name: str
    """What ``format=`` calls it."""
    kind: Literal["array", "recording"]
    """Whether its files hold plain arrays, read by ``read(path, name) -> Table``, or recordings that know their labels,
    read by ``load(path, *, ...) -> Dataset``.
    """
    home: str
    """Where that function is: module and name."""
    suffixes: tuple[str, ...] = ()
    """Of its files; none where it is recognised by what is in the file or folder."""
    contents: tuple[str | None, ...] = ()
    """What its files begin with; empty where anything may stand there."""

    def function(self) -> Callable[..., Any]:
        """Load the function that reads this format."""
        try:
            function: Callable[..., Any] = EntryPoint(self.name, self.home, ENTRY_POINTS).load()
        except (ImportError, AttributeError) as error:
            fix = "Fix or uninstall the package that adds it."
            got = f"{self.name!r}, whose function {self.home} cannot be loaded ({one_line(error)})"
            raise InvalidInput("format", got=got, expected="one that can be imported", fix=fix) from error
        return function


NEO_SUFFIXES: Final = (
    *(".abf", ".axgd", ".axgx", ".brw", ".continuous", ".edf", ".edr", ".lsx", ".medd", ".mpx", ".ncs", ".nev"),
    *(".nex", ".nix", ".ns1", ".ns2", ".ns3", ".ns4", ".ns5", ".ns6", ".nse", ".ntt", ".oebin", ".pl2", ".plx"),
    *(".rec", ".rhd", ".rhs", ".sev", ".smr", ".smrx", ".tbk", ".tev", ".trc", ".tsq", ".vhdr", ".wcp", ".xdat"),
)
"""Of the formats that Neo reads, those whose suffix no other kind of file has."""

FORMATS: Final = {
    one.name: one
    for one in (
        Format("npy", "array", "netxr.recordings.formats.plain:read_npy", (".npy",), ("npy",)),
        Format("npz", "array", "netxr.recordings.formats.plain:read_npz", (".npz",), ("zip",)),
        Format(
            "text", "array", "netxr.recordings.formats.plain:read_text", (".csv", ".tsv", ".txt", ".1d"), (None, "gzip")
        ),
        Format("parquet", "array", "netxr.recordings.formats.parquet:read", (".parquet", ".pq"), ("parquet",)),
        Format("matlab", "array", "netxr.recordings.formats.matlab.file:read", (".mat",), ("mat5", "hdf5", None)),
        Format("hdf5", "array", "netxr.recordings.formats.hdf5:read", (".h5", ".hdf5"), ("hdf5",)),
        Format("nwb", "recording", "netxr.recordings.formats.nwb.recording:load", (".nwb",), ("hdf5",)),
        Format(
            "netcdf", "recording", "netxr.recordings.formats.netcdf:load", (".nc", ".nc4", ".cdf"), ("hdf5", "netcdf3")
        ),
        Format("caiman", "recording", "netxr.recordings.formats.caiman:load", (), ("zip", "hdf5")),
        Format("suite2p", "recording", "netxr.recordings.formats.suite2p:load"),
        Format("neo", "recording", "netxr.recordings.formats.neo_files:load", NEO_SUFFIXES),
        Format("spikeinterface", "recording", "netxr.recordings.formats.spikeinterface_folders:load"),
        Format("roiextractors", "recording", "netxr.recordings.formats.roiextractors_files:load"),
    )
}
"""Every format that netxr itself knows, by its name."""

BY_CONTENT: Final = {
    "npy": "npy",
    "zip": "npz",
    "hdf5": "hdf5",
    "mat5": "matlab",
    "netcdf3": "netcdf",
    "parquet": "parquet",
}
"""The format that is meant by what a file begins with, if nothing else is known."""

PICKLES: Final = (".pkl", ".pickle", ".p", ".joblib")
"""Suffixes of pickles, of which the oldest begin with no mark of their own."""

UNKNOWN: Final = "no known kind of file"
"""What is said of a file that neither its suffix nor its content tells."""

AMBIGUOUS: Final = ("npz", "hdf5")
"""Formats whose files are looked into: programs save recordings under the same suffixes."""


def format_of(path: Path, named: str | None = None, *, look_inside: bool = True) -> Format:
    """Return the format of a file or folder: the one that is named, or that suffix and content agree on.

    With `look_inside`, archives and HDF5 files of known programs are recognised. Raises InvalidInput if no format
    has that name; UnreadableFile if there is nothing, or the content is not what suffix or name promise.
    """
    if not path.exists():
        raise UnreadableFile(path, "there is no such file or folder")
    if not path.is_file() and not path.is_dir():  # to wait for what comes through a pipe might take for ever
        raise UnreadableFile(path, "neither a file nor a folder", fix="Write what comes from there to a file.")
    known = FORMATS | own_formats()
    if named is not None:
        if not isinstance(named, str) or named not in known:
            raise InvalidInput("format", got=repr(named), expected=f"one of {', '.join(known)}")
        return _agreeing(path, known[named], f"format={named!r}")
    suffix = path.with_suffix("").suffix.lower() if path.suffix.lower() == ".gz" else path.suffix.lower()
    own = own_formats().get(suffix.removeprefix("."))
    if own is not None or path.is_dir():
        return own or _of_folder(path)
    by_suffix = next((one for one in FORMATS.values() if suffix in one.suffixes), None)
    if by_suffix is not None:
        _agreeing(path, by_suffix, f"suffix {path.suffix}")
    if by_suffix is None or (look_inside and by_suffix.name in AMBIGUOUS):
        return _of_content(path, look_inside=look_inside)
    return by_suffix


def own_formats() -> dict[str, Format]:
    """Return the formats that installed packages add, by their names.

    Raises InvalidInput if two packages add a format of the same name.
    """
    found: dict[str, Format] = {}
    for entry in entry_points(group=ENTRY_POINTS):
        if found.setdefault(entry.name, own := Format(entry.name, "recording", entry.value)) != own:
            both = f"{found[entry.name].home} and {entry.value}"
            raise InvalidInput(
                "format", got=f"{entry.name!r} from {both}", expected="one", fix="Uninstall one of them."
            )
    return found


def options_of(one: Format) -> list[str] | None:
    """Return the options that the loader of a recording takes; None if it takes any."""
    parameters = signature(one.function()).parameters.values()
    if any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters):
        return None
    return [parameter.name for parameter in parameters if parameter.kind is Parameter.KEYWORD_ONLY]


def check_trust(one: Format, path: Path, trusted: bool) -> None:
    """Raise UnreadableFile if a file that is not trusted takes data from other files, or unpacks to very much."""
    check_flag("trusted", trusted)
    if one.name in FORMATS and not trusted:
        check_reach(path)


def read_by(one: Format, path: Path, *given: Any, trusted: bool = False, **options: Any) -> Any:
    """Return what the function of a format reads from a file; a damaged file is an UnreadableFile."""
    check_trust(one, path, trusted)
    with readable_as(one.name, path, fix="Is it damaged, or of another format? Say which with format=."):
        return one.function()(path, *given, **options)


def _agreeing(path: Path, one: Format, promise: str) -> Format:
    """Return a format if the content of the file is what it can be."""
    if not one.contents:
        return one
    content = content_of(path)
    if content not in one.contents:
        _refuse(path, content)
        looks = f"looks like {BY_CONTENT[content]}" if content else _unlike(path, one)
        raise UnreadableFile(path, f"{promise}, but its content {looks}", fix="Rename it, or say format= as it is.")
    return one


def _refuse(path: Path, content: str | None) -> None:
    """Raise if a file is of a kind that is known and not read, with what to do."""
    kind = "pickle" if path.suffix.lower() in PICKLES else content
    suffix = path.with_suffix("").suffix if path.suffix.lower() == ".gz" else path.suffix
    if suffix.lower() in NEEDS_OTHERS or kind in REFUSED:
        reason, fix = NEEDS_OTHERS.get(suffix.lower()) or REFUSED[str(kind)]
        raise UnreadableFile(path, reason, fix=fix)


def _unlike(path: Path, one: Format) -> str:
    """Say what is there instead of the bytes that every file of a format begins with."""
    with path.open("rb") as file:
        begin = file.read(8)
    return f"begins with {begin!r}, which no {one.name} file does" if begin else "is empty"


def _of_folder(path: Path) -> Format:
    """Return the format of a folder that is no store."""
    if any(any(path.glob(f"{place}F.npy")) for place in SUITE2P_PLACES):
        return FORMATS["suite2p"]
    reason = "a folder, but no Zarr group, and no output of suite2p"
    fix = "netxr.catalog (in the shell: netxr catalog) lists the stores in a folder. Of a recording that is a folder, "
    raise UnreadableFile(path, reason, fix=fix + "say what it is to netxr.open or netxr import, e.g. format='neo'.")


def _of_content(path: Path, *, look_inside: bool) -> Format:
    """Return the format of a file whose suffix does not say it."""
    content = content_of(path)
    name = BY_CONTENT.get(content or "")
    if look_inside and name in AMBIGUOUS:
        name = written_by(path, content)
    if name is None:
        _refuse(path, content)
        known = "; ".join(f"{one.name} ({', '.join(one.suffixes[:4])})" for one in FORMATS.values() if one.suffixes)
        reason = f"{UNKNOWN}; known are {known}, folders of suite2p and Zarr stores"
        raise UnreadableFile(path, reason, fix="Say which it is with format=.")
    return FORMATS[name]


def check_options(options: Mapping[str, Any], taken: Sequence[str] | None, what: str) -> None:
    """Raise InvalidInput if an option is none of those that are taken; None takes any."""
    for option, value in options.items():
        if taken is not None and option not in taken:
            expected = f"no such option: {what} takes {', '.join(taken) or 'none'}"
            raise InvalidInput(option, got=f"{value!r:.80}", expected=expected)
