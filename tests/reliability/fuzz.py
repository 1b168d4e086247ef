"""Random calls and damaged files: run as ``python -m tests.reliability.fuzz calls 10000 --seed 1``.

Every public function is called with arguments of which most are right and one or two come from a pool of nasty values;
small files of every format are damaged and read. What comes out must be a result or an error of netxr, in time, in
bounded memory. Each fault is printed as a line of JSON, and the last line counts what was tried.
"""

import argparse
import faulthandler
import functools
import inspect
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import warnings
from contextlib import AbstractContextManager
from pathlib import Path

import dask.array as da
import numpy as np
import pandas as pd
import xarray as xr

import netxr

MOST_SECONDS = 20
"""Of processor time that a call may take; most take milliseconds."""

MOST_WAITING = 100
"""Seconds on the clock: what waits for ever takes no time of the processor, and the machine may be busy."""

MOST_MEMORY = 6 * 2**30
"""Address space that the process may have: what asks for more fails at once, and is told."""


class TooLong(BaseException):
    """A call that did not end."""


def timed(function):
    """Call a function; TooLong is raised where it does not end, the process ends where not even that helps."""
    signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
    signal.setitimer(signal.ITIMER_REAL, MOST_WAITING)
    faulthandler.dump_traceback_later(MOST_WAITING + MOST_SECONDS, exit=True)
    try:
        return function()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()


def told(function, allowed=()):
    """What came out that should not have: its kind and text; nothing for a result or an error of netxr."""
    try:
        timed(function)
    except netxr.NetxrError:
        return None
    except allowed:
        return None
    except TooLong:
        return f"TooLong: over {MOST_SECONDS} s of the processor, or {MOST_WAITING} s"
    except Exception as error:
        place = [f"{Path(one.filename).name}:{one.lineno}" for one in inspect.getinnerframes(error.__traceback__)]
        return f"{type(error).__name__}: {str(error)[:150]} at {' '.join(place[-6:])}"
    return None


# --- calls --------------------------------------------------------------------


@functools.cache
def run():
    A = netxr.random_connectivity(5, sparsity=0.5, seed=1)
    return netxr.simulate(A, n_steps=120, trials=2, seed=1)


def lazily_huge():
    return xr.DataArray(da.zeros((10**6, 10**9), chunks=(10**6, 10**4)), dims=("neuron", "time"))


NASTY = (
    *(lambda value=value: value for value in (None, True, False, 0, -1, 1, 2, 3, 7, 1000, 10**6, 10**9, -(10**9))),
    *(lambda value=value: value for value in (2**31, 2**63, 2**64, 10**30, -(10**30), 10**59, 10**400)),
    *(lambda value=value: value for value in (0.5, 1.0, -0.5, 5e-324, 1e-300, 1e300, 1e308, -1e308)),
    *(lambda value=value: value for value in (float("nan"), float("inf"), -float("inf"), 1 + 2j)),
    *(
        lambda value=value: value
        for value in ("", "x", "x" * 5000, "\0", "..", "../x", "é", "1e400", "nan", "{}", b"x")
    ),
    *(lambda value=value: value for value in ("time", "trial", "neuron", "uint16", "bits10", "modern", "pairwise")),
    *(lambda value=value: value for value in (Path("x" * 5000), Path("/etc/passwd"), Path("/dev/zero"), Path())),
    *(lambda value=value: value for value in ((), (1,), (1, 1), (1, 2, 3), ("a", "b"), ((1, 2), (3, 4)), (1, "a"))),
    *(lambda value=value: value for value in (range(3), range(0), range(10**10), slice(None), ...)),
    *(lambda value=value: value for value in (np.float32(2), np.int8(3), np.bool_(1), np.str_("x"), np.nan)),
    lambda: [],
    lambda: [1],
    lambda: [1, 2],
    lambda: [0.5, None],
    lambda: [[1, 2], [3]],
    lambda: [10**30],
    lambda: [-1],
    lambda: ["a", "b", "c", "d", "e"],
    lambda: {},
    lambda: {"a": 1},
    lambda: {"neuron": "time"},
    lambda: {1, 2},
    object,
    lambda: np.zeros(0),
    lambda: np.zeros(3),
    lambda: np.zeros((3, 3)),
    lambda: np.zeros((2, 3, 4, 5)),
    lambda: np.full((5, 5), np.nan),
    lambda: np.array(3),
    lambda: np.array("x"),
    lambda: np.array([1, "a"], dtype=object),
    lambda: np.ma.masked_array([1.0, 2.0], [True, False]),
    lambda: np.datetime64("2020-01-01"),
    lambda: np.timedelta64("NaT", "s"),
    lambda: np.zeros(4, dtype=[("a", "f8"), ("b", "i4")]),
    lambda: pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]}),
    lambda: pd.Timestamp("2020-01-01"),
    lambda: xr.DataArray(np.zeros((5, 0)), dims=("neuron", "time")),
    lambda: xr.DataArray(np.zeros((5, 9)), dims=("neuron", "time")),
    lambda: xr.DataArray(np.full((5, 9), np.nan), dims=("neuron", "time")),
    lambda: xr.DataArray(np.zeros((1, 1)), dims=("neuron", "time")),
    lambda: xr.DataArray(np.array([["a"] * 9] * 5), dims=("neuron", "time")),
    lambda: xr.DataArray(np.zeros((5, 9)), dims=("neuron", "neuron_")),
    lambda: xr.DataArray(1.0),
    xr.Dataset,
    lambda: xr.Dataset({"activity": ("x", [1.0])}),
    lambda: run(),
    lambda: run().activity,
    lambda: run().connectivity,
    lambda: run().activity.chunk(time=7),
    lambda: netxr.lagged_moments(run().activity),
    lambda: netxr.bad_frames(run().activity),
    lambda: da.zeros((5, 20)),
    lazily_huge,
    lambda: iter([1, 2]),
    lambda: lambda *_: None,
)
"""Makes a value anew, for a call may change it."""

RIGHT = {
    "data": (lambda: run().activity, lambda: run(), lambda: run().activity.chunk(time=30)),
    "activity": (lambda: run().activity,),
    "connectivity": (lambda: run().connectivity,),
    "truth": (lambda: run().connectivity,),
    "estimate": (lambda: netxr.lagged_correlation(run().activity).isel(trial=0),),
    "dataset": (lambda: run(),),
    "run": (lambda: run(),),
    "samples": (lambda: np.zeros((5, 20)),),
    "weights": (lambda: np.eye(4),),
    "parts": (lambda: [netxr.lagged_moments(run().activity)] * 2,),
    "levels": (lambda: {"all": None, "two": 2},),
    "frames": (lambda: netxr.bad_frames(run().activity), lambda: [1, 2]),
    "t": (lambda: run().connectivity,),
    "listener": (lambda: lambda *_: None,),
    "method": (lambda: "lagged_correlation",),
    "message": (lambda: "m",),
    "name": (lambda: "a",),
    "dims": (lambda: ("neuron", "time"),),
    "dim": (lambda: "time", lambda: "trial"),
    "rows": (lambda: "target",),
    "groups": (lambda: 2,),
    "lags": (lambda: [0, 1, 2],),
    "cutoff": (lambda: 0.1,),
    "order": (lambda: 1,),
    "diagonal": (lambda: True,),
    "permutations": (lambda: 3,),
    "n_neurons": (lambda: 4,),
    "n_steps": (lambda: 30,),
    "n_groups": (lambda: 2,),
    "trials": (lambda: 2,),
    "sampling_interval": (lambda: 2.0,),
    "lower": (lambda: 0.1,),
    "upper": (lambda: 0.9,),
    "k": (lambda: 3,),
    "time": (lambda: (0, 50),),
    "neurons": (lambda: [0, 1],),
    "memory": (lambda: "1GiB",),
    "path": (lambda: "out.html",),
}
"""What a parameter of that name usually gets."""

STORES = ("store", "source")
SMALL = {"n_steps": 30, "trials": 1, "n_neurons": 4, "permutations": 3}
"""In the place of defaults that take long."""

COUNTS = ("n_steps", "trials", "permutations")
TAKES_LONG = range(1000, 10**9 + 1)
"""So many of them are no fault of the caller's, and take their time; more are refused at once."""

RARE = {"report_run": 0.01, "sweep": 0.3, "versioned": 0.2, "tag": 0.2, "versions": 0.2, "convert": 0.5}
"""How often a slow function is called, compared with others."""


def functions():
    """Public functions by name."""
    found = {name: getattr(netxr, name) for name in netxr.__all__}
    return {name: one for name, one in found.items() if callable(one) and not isinstance(one, type)}


def call_of(name, function, rng, folder):
    """A random call: what to call, and how to write it down."""
    own = {key: one for key, one in inspect.signature(function).parameters.items() if one.kind is not one.VAR_KEYWORD}
    given = {}
    for key, parameter in own.items():
        if key in STORES:
            new = name in ("save", "simulate", "convert", "sweep", "lagged_correlation", "versioned") and key == "store"
            if new and parameter.default is not parameter.empty and rng.random() < 0.7:
                continue
            old = folder / ("recording.npy" if name.startswith("load") or name == "convert" else "run.zarr")
            given[key] = folder / f"new-{rng.getrandbits(40)}.zarr" if new else old
            if not new and name in ("add", "append"):
                given[key] = shutil.copytree(folder / "run.zarr", folder / f"old-{rng.getrandbits(40)}.zarr")
        elif key in SMALL:
            given[key] = SMALL[key]
        elif parameter.default is parameter.empty or (key in RIGHT and rng.random() < 0.3):
            given[key] = rng.choice(RIGHT.get(key, NASTY))()
    if name in ("load_activity", "load_recording", "convert"):
        given["dims"] = ("neuron", "time")
    for key in rng.sample(sorted(own), min(len(own), rng.choice((0, 1, 1, 1, 2)))):
        given[key] = rng.choice(NASTY)()
        while key in COUNTS and type(given[key]) is int and given[key] in TAKES_LONG:
            given[key] = rng.choice(NASTY)()
    unknown = rng.random() < 0.01
    if unknown:
        given["no_such_thing"] = 1
    positional = [key for key, one in own.items() if one.kind is one.POSITIONAL_OR_KEYWORD and key in given]

    def call():
        options = {key: value for key, value in given.items() if key not in positional}
        result = function(*(given[key] for key in positional), **options)
        if isinstance(result, AbstractContextManager):
            with result:
                pass

    written = ", ".join(f"{key}={shown(value)}" for key, value in given.items())
    return call, f"{name}({written})", (TypeError,) if unknown else ()


def shown(value):
    """A value in a few words."""
    if isinstance(value, xr.DataArray | xr.Dataset | np.ndarray | da.Array):
        return f"{type(value).__name__}{dict(value.sizes) if hasattr(value, 'sizes') else value.shape}"
    try:
        return repr(value)[:80]
    except ValueError:  # more digits than Python prints
        return type(value).__name__


# --- files --------------------------------------------------------------------


def make_files(folder):
    """A small file of every format whose package is there, with the options that it needs."""
    samples = np.random.default_rng(0).normal(size=(40, 5))
    table = pd.DataFrame(samples, columns=list("abcde"))
    plain = {"dims": ("time", "neuron")}
    found = {}

    def made(file, **options):
        found[folder / file] = options
        return folder / file

    np.save(made("a.npy", **plain), samples)
    np.savez_compressed(made("a.npz", **plain), X=samples)
    table.to_csv(made("a.csv", **plain), index=False)
    import scipy.io

    scipy.io.savemat(made("v5.mat", **plain), {"X": samples})
    scipy.io.savemat(made("v7.mat", **plain), {"X": samples, "s": {"a": "text"}}, do_compression=True)
    run().isel(trial=0).drop_encoding().to_netcdf(made("three.nc"), engine="scipy", format="NETCDF3_64BIT")
    import h5py

    from tests.recordings.formats.files import add_series, make_matlab73, start_nwb

    with h5py.File(made("a.h5", name="g/X", **plain), "w") as file:
        file.create_dataset("g/X", data=samples, chunks=(10, 5), compression="gzip")
    make_matlab73(made("v73.mat", **plain), {"X": samples})
    with h5py.File(made("a.nwb"), "w") as file:
        start_nwb(file)
        add_series(file, "acquisition/x", samples)
    run().isel(trial=0).drop_encoding().to_netcdf(made("four.nc"), engine="h5netcdf")
    table.to_parquet(made("a.parquet", **plain))
    netxr.save(run(), made("run.zarr"))
    run().drop_encoding().to_zarr(made("plain.zarr"), zarr_format=3, consolidated=False)
    run().drop_encoding().to_zarr(made("two.zarr"), zarr_format=2, consolidated=False)
    return found


def damaged(content, rng):
    """Bytes with some of them damaged."""
    content = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        size = len(content)
        if not size:
            return bytes(content)
        at = rng.randrange(size)
        kind = rng.randrange(7)
        if kind == 0:
            content[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            content[at] = rng.randrange(256)
        elif kind == 2:
            content[at : at + 8] = rng.choice((bytes(8), b"\xff" * 8, b"\x7f" + b"\xff" * 7, rng.randbytes(8)))
        elif kind == 3:
            del content[at : at + rng.choice((1, 4, 100))]
        elif kind == 4:
            content[at:at] = rng.choice((b"0", b"9" * 30, b"-", b"\n", b"\0" * 16, rng.randbytes(20)))
        elif kind == 5 and rng.random() < 0.3:
            del content[at:]
        else:
            digits = [place for place in range(size) if 48 <= content[place] <= 57]
            if digits:
                content[rng.choice(digits)] = rng.choice(b"0123456789-.e")
    return bytes(content)


JSON_VALUES = (None, True, -1, 0, 1, 10**9, 2**62, 10**30, 1.5, "", "x", "NaN", [], [0], [10**9], {}, {"name": "x"})


def damaged_json(content, rng):
    """A document of JSON with one entry, anywhere, replaced, added or gone."""
    document = json.loads(content)
    places = []

    def walk(node):
        for key in node if isinstance(node, dict) else range(len(node)):
            places.append((node, key))
            if isinstance(node[key], dict | list):
                walk(node[key])

    walk(document)
    for node, key in rng.sample(places, min(len(places), rng.choice((1, 1, 2)))):
        if rng.random() < 0.2 and isinstance(node, dict):
            node.pop(key, None)
        elif isinstance(node, dict) or key < len(node):
            node[key] = rng.choice(JSON_VALUES)
    return json.dumps(document).encode()


def attempt_of(path, options, rng, folder):
    """A damaged copy of a file or store, and what is done with it."""
    place = folder / f"{rng.getrandbits(40)}"
    place.mkdir()
    copy = place / path.name
    if path.is_dir():
        shutil.copytree(path, copy)
        target = rng.choice(sorted(one for one in copy.rglob("*") if one.is_file()))
    else:
        shutil.copy(path, copy)
        target = copy
    is_json = target.name in ("zarr.json", ".zarray", ".zattrs", ".zgroup") and rng.random() < 0.7
    target.write_bytes((damaged_json if is_json else damaged)(target.read_bytes(), rng))

    def look():
        for function in (netxr.open, netxr.load_activity):
            own = {} if path.suffix == ".zarr" else options
            if timed_result(function, copy, own) and path.suffix == ".zarr":
                netxr.verify(copy)
        netxr.verify(copy) if path.suffix == ".zarr" else None
        netxr.catalog(place)

    return look, f"{path.name}: {target.relative_to(place)}", place


def timed_result(function, copy, options):
    """Whether a small result can be read; an error of netxr is none."""
    try:
        found = function(copy, **options)
        if found.nbytes < 10**7:
            found.load(scheduler="synchronous")
    except netxr.NetxrError:
        return False
    return True


# --- the run ------------------------------------------------------------------


def main():
    """Try so many, and print what is wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("calls", "files"))
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))

    def too_long(*_):
        raise TooLong

    for name in (signal.SIGALRM, signal.SIGPROF):
        signal.signal(name, too_long)
    tried = failed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.chdir(folder)
        files = make_files(folder) if asked.what == "files" else {}
        netxr.save(run(), folder / "run.zarr") if not files else None
        np.save(folder / "recording.npy", np.zeros((5, 20)))
        known = functions()
        weights = [RARE.get(one, 1) for one in known]
        for k in range(asked.count):
            rng = random.Random(asked.seed * 10**9 + k)  # noqa: S311 - any call can be made again by its number
            if files:
                path = rng.choice(sorted(files))
                call, written, made = attempt_of(path, files[path], rng, folder)
                allowed = ()
            else:
                one = rng.choices(list(known), weights)[0]
                call, written, allowed = call_of(one, known[one], rng, folder)
                made = None
            print(f"# {k} {written}", file=sys.stderr, flush=True)
            wrong = told(call, allowed)
            tried += 1
            if wrong:
                failed += 1
                print(json.dumps({"number": k, "call": written, "wrong": wrong}), flush=True)
            for entry in [made] if made else folder.glob("*-*.zarr"):
                shutil.rmtree(entry, ignore_errors=True)
    print(json.dumps({"tried": tried, "failed": failed}), flush=True)


if __name__ == "__main__":
    main()
