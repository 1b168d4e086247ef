"""Tables of events against pandas' reading of what was written; files made by pynwb where it is installed."""

import datetime
import warnings

import numpy as np
import pytest

h5py = pytest.importorskip("h5py")

import netxr  # noqa: E402
from netxr import load_events  # noqa: E402
from netxr.errors import InvalidInput, UnreadableFile  # noqa: E402
from tests.conftest import SHARED  # noqa: E402
from tests.recordings.formats import files  # noqa: E402


@pytest.fixture
def session(tmp_path):
    """A file with a series of 200 samples at 30 Hz from 2 s on, trials and epochs."""
    with h5py.File(tmp_path / "a.nwb", "w") as file:
        files.start_nwb(file)
        files.add_series(file, "acquisition/ts", files.samples(), start=2.0)
        onsets = [3.0, 4.5, 6.0]
        files.add_table(
            file, "intervals/trials", [5, 6, 8], start_time=onsets, stop_time=[3.5, 5.0, np.nan], stimulus=list("aba")
        )
        files.add_table(
            file,
            "intervals/epochs",
            [0, 1],
            start_time=[2.0, 5.0],
            tags=["calm", "dark", "loud"],
            tags_index=np.array([1, 3], np.uint8),
        )
    return tmp_path / "a.nwb"


def test_trials_come_with_what_is_known_of_them(session):
    events = load_events(session)
    assert events.onset.values.tolist() == [3.0, 4.5, 6.0]
    assert events.trial.values.tolist() == [5, 6, 8]
    assert events.stimulus.values.tolist() == ["a", "b", "a"]
    np.testing.assert_array_equal(events.stop_time, [3.5, 5.0, np.nan])
    assert events.attrs == {"source_file": "a.nwb", "source_array": "intervals/trials"}


def test_a_recording_is_cut_by_them(session, tmp_path):
    opened = netxr.open(session)
    assert opened.attrs["event_tables"] == "intervals/epochs, intervals/trials"
    netxr.convert(session, tmp_path / "a.zarr")
    assert netxr.open(tmp_path / "a.zarr").attrs["event_tables"] == "intervals/epochs, intervals/trials"
    whole = opened.activity
    trials = netxr.cut_trials(whole, load_events(session), before=0.5, after=1.0)
    assert trials.stimulus.values.tolist() == ["a", "b", "a"]
    np.testing.assert_array_equal(trials.sel(trial=6), whole[:, 75 - 15 : 75 + 30])


@pytest.mark.parametrize("name", ["epochs", "intervals/epochs", "/intervals/epochs"])
def test_words_of_a_row_are_one_text(session, name):
    epochs = load_events(session, name=name)
    assert epochs.tags.values.tolist() == ["calm", "dark, loud"]
    assert epochs.onset.values.tolist() == [2, 5]


def test_what_pynwb_writes(tmp_path):
    pynwb = pytest.importorskip("pynwb")
    now = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)
    file = pynwb.NWBFile("a session", "one", now)
    file.add_trial_column("side", "left or right")
    for onset, side in ((1.5, "left"), (4.0, "right")):
        file.add_trial(start_time=onset, stop_time=onset + 1, side=side)
    with warnings.catch_warnings(action="ignore"), pynwb.NWBHDF5IO(tmp_path / "b.nwb", "w") as io:
        io.write(file)
        expected = file.trials.to_dataframe()
    events = load_events(tmp_path / "b.nwb")
    assert events.onset.values.tolist() == expected.start_time.tolist()
    assert events.side.values.tolist() == expected.side.tolist()
    assert events.trial.values.tolist() == expected.index.tolist()


@pytest.mark.skipif(not (SHARED / "data").exists(), reason="no shared recordings")
def test_the_only_table_needs_no_name():
    epochs = load_events(SHARED / "data" / "nwb_units" / "units.nwb")
    assert epochs.tags.values.tolist() == ["wake"]
    assert epochs.stop_time.values.tolist() == [1087.5289]


def test_tables_that_there_are_none_of(session, tmp_path):
    with pytest.raises(InvalidInput, match=r"'stimuli'; .*a\.nwb has intervals/epochs, intervals/trials"):
        load_events(session, name="stimuli")
    with h5py.File(session, "r+") as file:
        file.move("intervals/trials", "intervals/licks")
    with pytest.raises(InvalidInput, match=r"got None; .*has intervals/epochs, intervals/licks"):
        load_events(session)
    np.save(tmp_path / "a.npy", np.zeros(3))
    with pytest.raises(InvalidInput, match=r"format 'npy'; expected an NWB file\. Read other tables with pandas"):
        load_events(tmp_path / "a.npy")
    with pytest.raises(UnreadableFile, match="no such file"):
        load_events(tmp_path / "none.nwb")


@pytest.mark.parametrize(
    ("place", "values", "told"),
    [
        ("trials/start_time", [1.0, 2.0], "trials/start_time is not one number for each of 3 rows"),
        ("trials/id", [5, 5, 8], "has 5 more than once"),
        ("epochs/tags_index", [2, 1], "does not divide 3 words among 2 rows"),
        ("epochs/tags_index", [2, 7], "does not divide 3 words among 2 rows"),
        ("epochs/tags_index", [3], "does not divide 3 words among 2 rows"),
    ],
)
def test_damage(session, place, values, told):
    with h5py.File(session, "r+") as file:
        del file[f"intervals/{place}"]
        file[f"intervals/{place}"] = values
    with pytest.raises(UnreadableFile, match=told):
        load_events(session, name=place.partition("/")[0])
