"""Every file of a store, damaged in every way: an error, the right values, or a word of `verify`."""

import json
import shutil
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import zarr

import netxr
from netxr.errors import NetxrError
from tests.store import works
from tests.store.stores import content

DOCUMENT = "zarr.json"


def remove(file):
    file.unlink()


def empty(file):
    file.write_bytes(b"")


def cut(file):
    file.write_bytes(file.read_bytes()[:-5])


def flip(file):
    held = bytearray(file.read_bytes())
    held[len(held) // 2] ^= 16
    file.write_bytes(held)


def zeros(file):
    file.write_bytes(bytes(file.stat().st_size))


def a_folder(file):
    file.unlink()
    file.mkdir()


def swap(file, other):
    held = file.read_bytes()
    file.write_bytes(other.read_bytes())
    other.write_bytes(held)


def copy(file, other):
    file.write_bytes(other.read_bytes())


def edit(file, path, value):
    """Change an entry of an array's metadata, in its own document and in the copy of it in that of the group."""
    group = file.parent.parent / DOCUMENT
    root = json.loads(group.read_text())
    for document in (root["consolidated_metadata"]["metadata"][file.parent.name], own := json.loads(file.read_text())):
        *above, last = path
        for key in above:
            document = document[key]
        if isinstance(value, dict):
            document[last] = document[last] | value
        else:
            document[last] = value
    group.write_text(json.dumps(root))
    file.write_text(json.dumps(own))


EDITS = {
    "dtype": (["data_type"], "int32"),
    "endianness": (["codecs", 0, "configuration"], {"endian": "big"}),
    "dims": (["dimension_names", 0], "elsewhere"),
    "scale": (["attributes"], {"scale_factor": 2.0}),
    "units": (["attributes"], {"units": "furlongs"}),
    "fill value": (["fill_value"], 1),
}


def damages(tally, most):
    """Damage a store with samples, moments, estimates and labels, at most so many files a way, evenly spread."""
    with tempfile.TemporaryDirectory() as folder:
        sound, path = Path(folder) / "sound.zarr", Path(folder) / "run.zarr"
        works.begin_by_trial(sound)
        works.append_time(sound)
        works.append_trial_of_all(sound)
        works.replace(sound)
        before = content(netxr.open(sound))
        assert not netxr.verify(sound)
        for what, place, damage in some(every_damage(sound), most):
            shutil.rmtree(path, ignore_errors=True)
            shutil.copytree(sound, path)
            damage(path / place)
            tally.note(what, what_goes_unsaid(path, before, place))


def every_damage(sound):
    """Yield what is done, to which file in use, and the function that does it."""
    files, held = [Path(DOCUMENT)], {}
    for name, array in zarr.open_group(sound, mode="r").arrays():
        places = {Path(name, array.metadata.encode_chunk_key(at)): at for at in np.ndindex(array.cdata_shape)}
        files += [Path(name, DOCUMENT), *places]
        held |= {file: np.asarray(array.get_block_selection(at)) for file, at in places.items()}
    for way in (remove, empty, cut, flip, zeros, a_folder):
        for file in files:
            kind = "a document" if file.name == DOCUMENT else "a chunk"
            yield f"{way.__name__.replace('_', ' ')}: {kind}", file, way
    chunks = [file for file in files if file.name != DOCUMENT]
    for way in (swap, copy):
        for file in chunks:
            for other in chunks:
                if other.parts[0] == file.parts[0] and not holds(held[other], held[file]):
                    yield f"{way.__name__}: chunks of an array", file, partial(within, way, other)
    for name, (path, value) in EDITS.items():
        for file in files:
            if file.name == DOCUMENT and len(file.parts) == 2 and b'"endian"' in (sound / file).read_bytes():
                yield f"edited: {name}", file, partial(edit, path=path, value=value)


def holds(other, own):
    """Return whether a chunk can stand in another's place and nothing is damaged: what lies within the array counts."""
    here = other[tuple(map(slice, own.shape))]
    return here.shape == own.shape and np.array_equal(here, own)


def within(way, other, file):
    """Apply what needs another file of the same store."""
    store = next(parent for parent in file.parents if parent.name == "run.zarr")
    way(file, store / other)


def some(damages, most):
    """Return at most so many of each kind, evenly spread."""
    kinds = {}
    for one in damages:
        kinds.setdefault(one[0], []).append(one)
    for each in kinds.values():
        step = max(1, len(each) / most)
        yield from (each[int(k * step)] for k in range(min(most, len(each))))


def what_goes_unsaid(path, before, place):
    """Say in what way damage was not seen: nothing if it was."""
    try:
        said = [problem for problem in netxr.verify(path) if not problem.harmless]
        any_word = bool(netxr.verify(path))
    except NetxrError:
        said = any_word = True
    except Exception as error:
        return f"{place}: verify raises {type(error).__name__}: {error}"
    try:
        same = content(netxr.open(path)).identical(before)
    except NetxrError:
        return "" if said else f"{place}: open raises, verify says nothing"
    except Exception as error:
        return f"{place}: open raises {type(error).__name__}: {error}"
    if same:
        return "" if any_word else f"{place}: verify says nothing"
    return "" if said else f"{place}: other values, and verify says nothing"
