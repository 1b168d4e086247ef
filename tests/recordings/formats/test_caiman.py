"""CaImAn's results against h5py's and NumPy's own reading."""

import numpy as np
import pytest
from scipy.sparse import csc_matrix

from netxr.errors import InvalidInput, UnreadableFile
from netxr.recordings.formats.caiman import load
from tests.marks import slow
from tests.recordings.formats.damage import refusals
from tests.recordings.formats.files import RATE, make_caiman, samples
from tests.recordings.formats.opening import opening_takes

C = samples(300, 6).T
ACCEPTED = np.array([4, 0, 2])
QUALITY = np.linspace(0.5, 3, 6)


@pytest.fixture(params=["hdf5", "npz"])
def saved(request, tmp_path):
    path = tmp_path / f"results.{request.param}"
    beside = {"S": C * 2, "idx_components": ACCEPTED, "SNR_comp": QUALITY, "f": np.ones((2, 300))}
    if request.param == "npz":
        np.savez(path, C=C, fr=RATE, A=np.ones((9, 6)), **beside)
    else:
        pytest.importorskip("h5py")
        make_caiman(path, C, **beside)
    return path


@pytest.mark.parametrize("name", ["C", "S"])
def test_traces_come_labelled(saved, name):
    run = load(saved, name=name)
    assert run.activity.dims == ("neuron", "time")
    assert run.activity.dtype == C.dtype
    assert np.array_equal(run.activity.values, {"C": C, "S": C * 2}[name])
    assert run.accepted.dtype == bool
    assert run.accepted.values.tolist() == [True, False, True, False, True, False]
    assert np.array_equal(run.SNR_comp.values, QUALITY)
    assert run.activity.attrs == {"sampling_interval": 1 / RATE, "sampling_interval_units": "s"}
    assert run.attrs == {"source_array": name}


def test_c_is_what_is_taken_unnamed(saved):
    assert load(saved).identical(load(saved, name="C"))


def test_the_interval_may_be_said(saved):
    with pytest.warns(
        UserWarning, match=r"its frame rate has an interval of .*, and sampling_interval=0\.1 replaces it"
    ):
        said = load(saved, sampling_interval=0.1)
    assert said.activity.attrs["sampling_interval"] == 0.1
    with pytest.raises(InvalidInput, match="sampling_interval"):
        load(saved, sampling_interval=-1)


def test_a_name_that_is_not_there_gets_those_that_are(saved):
    with pytest.raises(InvalidInput, match=r"C.*S") as told:
        load(saved, name="raw")
    assert str(saved) in str(told.value)


def test_hdf5_is_lazy(tmp_path):
    pytest.importorskip("h5py")
    assert load(make_caiman(tmp_path / "a.hdf5", C)).activity.chunks == ((6,), (300,))


def with_footprints(path, images, *, at="estimates/dims"):
    """Footprints of components, (component, row, column[, plane]), as CaImAn saves them, pixels in Fortran order."""
    h5py = pytest.importorskip("h5py")
    flat = csc_matrix(np.stack([image.reshape(-1, order="F") for image in images], axis=1))
    with h5py.File(make_caiman(path, C), "r+") as file:
        del file["estimates/A"]
        for name in ("data", "indices", "indptr", "shape"):
            file[f"estimates/A/{name}"] = getattr(flat, name)
        file[at] = images.shape[1:]
    return path


@pytest.mark.parametrize("at", ["estimates/dims", "dims"])
@pytest.mark.parametrize("shape", [(7, 11), (7, 11, 3)])
def test_components_lie_in_the_middle_of_their_footprints(tmp_path, at, shape):
    images = np.zeros((6, *shape))
    for k in range(6):
        images[k, 1, 2 + k, ...] = 0.5  # row 1
        images[k, 5, 2 + k, ...] = 1.5
    run = load(with_footprints(tmp_path / "a.hdf5", images, at=at))
    assert run.x.values.tolist() == [2, 3, 4, 5, 6, 7]
    assert run.y.values.tolist() == [4] * 6
    assert run.x.units == "pixel"


def test_footprints_that_are_none_are_refused_or_left_out(tmp_path):
    h5py = pytest.importorskip("h5py")
    images = np.ones((6, 7, 11))
    images[3] = 0
    assert "x" not in load(with_footprints(tmp_path / "a.hdf5", images)).coords
    with h5py.File(tmp_path / "a.hdf5", "r+") as file:
        file["estimates/A/indices"][-1] = 77
    with pytest.raises(UnreadableFile, match="estimates/A is no matrix of 77 pixels and 6 components"):
        load(tmp_path / "a.hdf5")


@pytest.mark.parametrize("indices", ["NoneType", None])
def test_without_a_judgement_nothing_is_accepted_or_not(tmp_path, indices):
    pytest.importorskip("h5py")
    beside = {} if indices is None else {"idx_components": indices}
    run = load(make_caiman(tmp_path / "a.hdf5", C, rate="NoneType", **beside))
    assert "accepted" not in run.coords
    assert run.activity.attrs == {}


def test_no_component_accepted_is_a_judgement(tmp_path):
    pytest.importorskip("h5py")
    run = load(make_caiman(tmp_path / "a.hdf5", C, idx_components=np.array([])))
    assert not run.accepted.values.any()


@pytest.mark.parametrize(
    ("indices", "accepted"),
    [
        ([False, True, True, False, False, True], [1, 2, 5]),  # a mask, as NumPy's users write it
        ([1.0, 5.0], [1, 5]),
        (np.array([[5, 1]], np.uint8), [1, 5]),
    ],
)
def test_what_was_accepted_is_said_as_a_mask_or_by_numbers(tmp_path, indices, accepted):
    np.savez(tmp_path / "a.npz", C=C, idx_components=np.array(indices))
    assert np.flatnonzero(load(tmp_path / "a.npz").accepted).tolist() == accepted


@pytest.mark.parametrize("indices", [[1.5], [True, False], [np.nan]])
def test_what_numbers_no_component_is_refused(tmp_path, indices):
    np.savez(tmp_path / "a.npz", C=C, idx_components=np.array(indices))
    with pytest.raises(UnreadableFile, match="that are no numbers of components"):
        load(tmp_path / "a.npz")


def test_what_caiman_had_not_computed_is_said(tmp_path):
    pytest.importorskip("h5py")
    with pytest.raises(UnreadableFile, match=r"estimates/F_dff holds no traces.*detrend_df_f"):
        load(make_caiman(tmp_path / "a.hdf5", C), name="F_dff")


@pytest.mark.parametrize(
    ("odd", "match"),
    [
        ({"rate": np.nan}, r"frame rate is nan.*sampling_interval="),
        ({"rate": 0.0}, "frame rate is 0"),
        ({"idx_components": np.array([1, 6])}, "counts on to 6, and there are 6"),
    ],
)
def test_figures_that_cannot_be_are_refused(tmp_path, odd, match):
    pytest.importorskip("h5py")
    with pytest.raises(UnreadableFile, match=match):
        load(make_caiman(tmp_path / "a.hdf5", C, **odd))


def test_other_files_are_refused(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        file["C"] = C
    with pytest.raises(UnreadableFile, match="no group 'estimates'"):
        load(tmp_path / "a.hdf5")
    np.savez(tmp_path / "a.npz", C=np.array([{"a": 1}], object))
    with pytest.raises(UnreadableFile, match="pickled objects, which are never read"):
        load(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", C=np.ones(4))
    with pytest.raises(UnreadableFile, match=r"no table of numbers: float64 of shape \(4,\)"):
        load(tmp_path / "b.npz")


def test_damage_raises_errors_of_netxr_only(saved):
    assert len(refusals(lambda file: load(file).compute(scheduler="synchronous"), saved)) > 15


@pytest.mark.parametrize("apart", [False, *slow(True)])
def test_opening_80_mb_takes_little(tmp_path, apart):
    h5py = pytest.importorskip("h5py")
    small, large = make_caiman(tmp_path / "small.hdf5", C), make_caiman(tmp_path / "large.hdf5", C)
    with h5py.File(large, "r+") as file:
        del file["estimates/C"]
        file["estimates"].create_dataset("C", (100, 200_000), "f4", chunks=(100, 1000))
    assert max(opening_takes("caiman.load", small, large, apart=apart)) < 20
