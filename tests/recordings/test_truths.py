"""True connectivity as people have it: named tables, lists of edges, and neurons that the recording has not."""

import gzip
import itertools

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import scipy.sparse

import netxr
from netxr.errors import InvalidInput, UnreadableFile
from tests.cli.shell import document, output, run

LABELS = ["AVAL", "AVAR", "PVCL", "PVCR"]


def weights_of(labels, seed=0):
    size = len(labels)
    return pd.DataFrame(np.random.default_rng(seed).normal(size=(size, size)), index=labels, columns=labels)


def assert_is(A, weights, *, rows="target"):
    """Compare every entry by label."""
    assert set(A.target.values.tolist()) == set(weights.index) == set(A.source.values.tolist())
    columns = "source" if rows == "target" else "target"
    for i, j in itertools.product(weights.index, weights.columns):
        assert A.sel({rows: i, columns: j}).item() == weights.loc[i, j]


def test_a_named_matrix_by_hand(tmp_path):
    (tmp_path / "A.csv").write_text("post,b,a\na,1,2\nb,3,4\n")  # the entry in row a, column b is 1
    A = netxr.load_connectivity(tmp_path / "A.csv", rows="target")
    assert (A.sel(target="a", source="b").item(), A.sel(target="b", source="b").item()) == (1, 3)
    assert A.target.values.tolist() == ["a", "b"]


def test_edges_by_hand(tmp_path):
    (tmp_path / "A.csv").write_text("weight,post,pre\n0.5,b,a\n-2,a,c\n,c,b\n")
    A = netxr.load_connectivity(tmp_path / "A.csv")
    assert A.target.values.tolist() == ["a", "b", "c"]
    assert A.values.tolist() == [[0, 0, -2], [0.5, 0, 0], [0, 1, 0]]


def test_names_that_are_numbers_by_hand(tmp_path):
    (tmp_path / "A.csv").write_text(",3,7\n7,1,2\n3,4,5\n")
    A = netxr.load_connectivity(tmp_path / "A.csv", rows="source")
    assert (A.sel(source=3, target=7).item(), A.source.values.tolist()) == (5, [7, 3])


@pytest.mark.parametrize("labels", [LABELS, [3, 7, 12, 0], [0, 1, 2, 3], ["a b", "c;d", "e", "nan"]])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("rows", ["target", "source"])
def test_tables_of_pandas(tmp_path, labels, mark, rows):
    weights = weights_of(labels)
    weights.iloc[:, [2, 0, 3, 1]].to_csv(tmp_path / "A.csv", sep=mark)
    assert_is(netxr.load_connectivity(tmp_path / "A.csv", rows=rows), weights, rows=rows)
    weights.rename_axis("post").to_csv(tmp_path / "B.csv", sep=mark)
    assert_is(netxr.load_connectivity(tmp_path / "B.csv", rows=rows), weights, rows=rows)
    if not isinstance(labels[0], str):  # then names are told from numbers by both axes alone
        return
    weights.to_csv(tmp_path / "C.csv", sep=mark, index=False)
    assert_is(netxr.load_connectivity(tmp_path / "C.csv", rows=rows), weights, rows=rows)
    weights.to_csv(tmp_path / "D.csv", sep=mark, header=False)
    assert_is(netxr.load_connectivity(tmp_path / "D.csv", rows=rows), weights, rows=rows)


@pytest.mark.parametrize("labels", [LABELS, [3, 7, 12, 0]])
def test_other_ways_to_write_names(tmp_path, labels):
    weights = weights_of(labels)
    body = [[str(label), *map(repr, row.tolist())] for label, row in zip(labels, weights.to_numpy(), strict=True)]
    lines = [" ".join(map(str, labels)), *(" ".join(row) for row in body)]  # as R writes it
    (tmp_path / "A.txt").write_text("# made by hand\n" + "\n".join(lines) + "\n")
    assert_is(netxr.load_connectivity(tmp_path / "A.txt", rows="target"), weights)
    quoted = [",".join(f'"{cell}"' for cell in row[:1]) + "," + ",".join(row[1:]) for row in body]
    head = ",".join(f'"{label}"' for label in ["", *labels])
    (tmp_path / "B.csv").write_text("\ufeff" + "\r\n".join([head, *quoted]) + "\r\n", encoding="utf-8")
    assert_is(netxr.load_connectivity(tmp_path / "B.csv", rows="target"), weights)


def test_an_index_column_under_a_name_is_no_neuron(tmp_path):
    weights = weights_of(LABELS)
    weights.reset_index(drop=True).rename_axis("row").to_csv(tmp_path / "A.csv")
    A = netxr.load_connectivity(tmp_path / "A.csv", rows="target")
    np.testing.assert_array_equal(A, weights)
    assert A.source.values.tolist() == LABELS


def test_an_empty_cell_is_undefined(tmp_path):
    (tmp_path / "A.csv").write_text(",a,b\na,NA,1\nb,2,\n")
    A = netxr.load_connectivity(tmp_path / "A.csv", rows="target")
    np.testing.assert_array_equal(A, [[np.nan, 1], [2, np.nan]])


@pytest.mark.parametrize(
    "columns", list(itertools.permutations(["pre_root_id", "post_root_id", "syn_count", "neuropil"]))
)
def test_edges_with_long_numbers_in_any_order(tmp_path, columns):
    table = pd.DataFrame(
        {
            "pre_root_id": [720575940621039145, 720575940621039145, 720575940621039146],
            "post_root_id": [720575940621039146, 720575940621039146, 720575940621039147],
            "syn_count": [5, 7, 1],
            "neuropil": ["LO", "ME", "LO"],
        }
    )
    table[list(columns)].to_csv(tmp_path / "edges.csv", index=False)
    table[list(columns)].to_parquet(tmp_path / "edges.parquet", index=False)
    for name in ("edges.csv", "edges.parquet"):
        A = netxr.load_connectivity(tmp_path / name)
        assert A.sel(source=720575940621039145, target=720575940621039146) == 12
        assert (A.sum().item(), A.sizes["target"]) == (13, 3)


def test_edges_of_networkx_as_pandas_writes_them(tmp_path):
    graph = nx.gnp_random_graph(8, 0.4, seed=1, directed=True)
    for k, edge in enumerate(graph.edges):
        graph.edges[edge]["weight"] = k + 0.5
    nx.to_pandas_edgelist(graph).to_csv(tmp_path / "edges.tsv", sep="\t", index=False)
    A = netxr.load_connectivity(tmp_path / "edges.tsv", neurons=list(graph))
    np.testing.assert_array_equal(A.T, nx.to_numpy_array(graph))
    assert netxr.load_connectivity(graph).equals(A)
    assert netxr.load_connectivity(scipy.sparse.csr_array(nx.to_scipy_sparse_array(graph)), rows="source").equals(A)
    assert netxr.load_connectivity(nx.to_pandas_adjacency(graph), rows="source").equals(A)


def test_parquet_with_names_of_rows(tmp_path):
    weights = weights_of(LABELS)
    weights.iloc[:, ::-1].to_parquet(tmp_path / "A.parquet")
    assert_is(netxr.load_connectivity(tmp_path / "A.parquet", rows="source"), weights, rows="source")


@pytest.mark.parametrize(
    ("text", "options", "says"),
    [
        (",a,b\na,1,x\nb,2,3\n", {"rows": "target"}, r"'x' in row 'a', column 'b' is no number"),
        (";a;b\na;1,5;1\nb;2;3\n", {"rows": "target"}, r"'1,5'.*a decimal comma"),
        (",a,b\na,1,2\nb,2\n", {"rows": "target"}, "line 3 has 2 cells, the lines before it 3"),
        (",a,b\na,1,2\nb,2,3,4\n", {"rows": "target"}, "line 3 has 4 cells"),
        (",a,b,c\na,1,2\n", {"rows": "target"}, "its first line has 4 cells, the next 3"),
        (",a,b\na,1,2\nc,2,3\n", {"rows": "target"}, "different neurons"),
        (",a,b\na,1,2\nb,2,3\n", {}, r"rows: got none for .*A\.csv, of shape \(2, 2\)"),
        ("source,target\na,b\n", {"rows": "target"}, "rows: got 'target'"),
        ("source,target,length\na,b,1\n", {}, "'length'.*Call it weight"),
        ("source,target,weight\na,,1\n", {}, "an edge without a neuron"),
        ("3,7,12\n1,2,3\n4,5,6\n7,8,9\n", {"rows": "target"}, "Name the columns of a list of edges"),
        ("1,2,3,4\n" * 5, {"rows": "target"}, "Name the rows as well"),
        ("0,1,0.5\n1,2,0.5\n", {"rows": "target"}, "Name the columns of a list of edges"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, text, options, says):
    (tmp_path / "A.csv").write_text(text)
    with pytest.raises((InvalidInput, UnreadableFile), match=says):
        netxr.load_connectivity(tmp_path / "A.csv", **options)


# --- in the shell ---------------------------------------------------------------------


@pytest.fixture
def recording(tmp_path):
    """A recording of four neurons with names in which the first drives the last, and its file."""
    samples = np.random.default_rng(1).normal(size=(300, 4))
    samples[1:, 3] += 2 * samples[:-1, 0]
    pd.DataFrame(samples, columns=LABELS).to_csv(tmp_path / "x.csv", index=False)
    return tmp_path / "x.csv"


def scored(recording, truth, *flags):
    return document("estimate", recording, "--dims", "time,neuron", "--truth", truth, "--no-diagonal", *flags)


def expected(recording, weights, **options):
    """What the library scores, by label."""
    R = netxr.lagged_correlation(netxr.load_activity(recording, dims=("time", "neuron")))
    return netxr.compare(netxr.as_connectivity(weights, **options), R, diagonal=False).pearson.item()


def test_a_named_truth_is_matched_by_label(recording, tmp_path):
    weights = weights_of(LABELS).loc[LABELS[::-1], LABELS]
    weights.to_csv(tmp_path / "A.csv")
    edges = weights.stack().rename("weight").rename_axis(["post", "pre"]).reset_index()
    edges.to_csv(tmp_path / "edges.csv", index=False)
    right = expected(recording, weights, rows="target")
    for found in (scored(recording, tmp_path / "A.csv", "--rows", "target"), scored(recording, tmp_path / "edges.csv")):
        assert found["scores"][0]["pearson"] == pytest.approx(right, abs=1e-12)


def test_partly_other_neurons_are_left_out_and_named(recording, tmp_path):
    weights = weights_of([*LABELS[1:], "RIML"])
    weights.to_csv(tmp_path / "A.csv")
    found = scored(recording, tmp_path / "A.csv", "--rows", "target")
    assert found["scores"][0]["pearson"] == pytest.approx(expected(recording, weights, rows="target"), abs=1e-12)
    assert found["overlap"] == {"n_neurons_shared": 3, "n_neurons_only_truth": 1, "n_neurons_only_estimate": 1}
    flags = ["--dims", "time,neuron", "--truth", tmp_path / "A.csv", "--rows", "target", "--no-diagonal", "-q"]
    quiet = run("estimate", recording, *flags)
    assert "neurons in the truth only: 1 (RIML)" in quiet.stderr
    assert "neurons in the estimate only: 1 (AVAL)" in quiet.stderr
    assert "neurons in" not in quiet.stdout


def test_labels_of_a_plain_truth(recording, tmp_path):
    weights = weights_of(["PVCR", "AVAL", "RIML"])
    np.savetxt(tmp_path / "A.txt", weights)
    (tmp_path / "names.txt").write_text("PVCR\nAVAL\nRIML\n")
    found = scored(recording, tmp_path / "A.txt", "--rows", "target", "--neurons", tmp_path / "names.txt")
    assert found["scores"][0]["pearson"] == pytest.approx(expected(recording, weights, rows="target"), abs=1e-12)
    flags = ["--dims", "time,neuron", "--truth", tmp_path / "A.txt", "--rows", "target", "--no-diagonal"]
    result = run("estimate", recording, *flags)
    assert result.exit_code == 2
    assert "--neurons" in result.stderr
    (tmp_path / "names.txt").write_text("PVCR, AVAL, RIML, RMDL\n")
    assert run("estimate", recording, *flags, "--neurons", tmp_path / "names.txt").exit_code == 2
    assert "--truth" in run("estimate", recording, "--neurons", tmp_path / "names.txt").stderr


def test_neurons_without_an_edge_are_said(recording, tmp_path):
    pd.DataFrame({"source": ["AVAL"], "target": ["PVCR"]}).to_csv(tmp_path / "edges.csv", index=False)
    assert scored(recording, tmp_path / "edges.csv")["overlap"]["n_neurons_only_estimate"] == 2
    (tmp_path / "names.txt").write_text("# all that were recorded\n" + ",".join(LABELS) + "\n")
    found = scored(recording, tmp_path / "edges.csv", "--neurons", tmp_path / "names.txt")
    assert found["overlap"]["n_neurons_only_estimate"] == 0
    assert (found["scores"][0]["roc_auc"], found["scores"][0]["n_pairs"]) == (1, 12)


def test_names_that_are_written_alike_are_the_same(tmp_path):
    samples = np.random.default_rng(1).normal(size=(4, 300))
    np.save(tmp_path / "x.npy", samples)
    weights = weights_of([0, 1, 2, 7])
    weights.index = weights.columns = [f"{label}" for label in weights.index]
    weights.to_csv(tmp_path / "A.csv")
    flags = ["--dims", "neuron,time", "--truth", tmp_path / "A.csv", "--rows", "target", "--no-diagonal"]
    assert document("estimate", tmp_path / "x.npy", *flags)["overlap"]["n_neurons_shared"] == 3
    run_ = netxr.as_activity(samples, dims=("neuron", "time"), neurons=["2", "1", "0", "9"])
    netxr.save(run_.to_dataset(), tmp_path / "x.zarr")
    flags = ["--truth", tmp_path / "A.csv", "--rows", "target", "--no-diagonal"]
    found = document("estimate", tmp_path / "x.zarr", *flags)
    R = netxr.lagged_correlation(run_)
    right = netxr.compare(netxr.as_connectivity(weights, rows="target"), R, diagonal=False)
    assert found["scores"][0]["pearson"] == pytest.approx(right.pearson.item(), abs=1e-12)


def test_compare_of_named_files(tmp_path):
    weights, guess = weights_of(LABELS), weights_of([*LABELS[::-1], "RIML"], seed=1)
    weights.to_csv(tmp_path / "A.csv")
    np.savetxt(tmp_path / "R.txt", guess)
    (tmp_path / "names.txt").write_text("\n".join(guess.index))
    flags = ["--rows", "target", "--estimate-rows", "source", "--estimate-neurons", tmp_path / "names.txt"]
    found = document("compare", tmp_path / "A.csv", tmp_path / "R.txt", "--diagonal", *flags)
    right = np.corrcoef(weights.to_numpy().ravel(), guess.T.loc[LABELS, LABELS].to_numpy().ravel())[0, 1]
    assert found["scores"][0]["pearson"] == pytest.approx(right, abs=1e-12)
    assert "neurons in the estimate only: 1 (RIML)" in output(
        "compare", tmp_path / "A.csv", tmp_path / "R.txt", "--diagonal", *flags
    )


@pytest.mark.parametrize(("text", "says"), [("", "no label in it"), ("a,b\nc,d\n", "a table, not labels")])
def test_labels_that_are_none(recording, tmp_path, text, says):
    (tmp_path / "names.txt").write_text(text)
    np.savetxt(tmp_path / "A.txt", np.eye(4))
    flags = ["--dims", "time,neuron", "--truth", tmp_path / "A.txt", "--rows", "target", "--no-diagonal"]
    result = run("estimate", recording, *flags, "--neurons", tmp_path / "names.txt")
    assert (result.exit_code, says in result.stderr) == (4, True)


@pytest.mark.parametrize("written", ["gzip", "utf-16", "quotes"])
def test_a_truth_is_read_as_a_recording_is(tmp_path, written):
    """Compressed, in another encoding, and with cells in quotes behind a blank."""
    text = 'name,a,b c\na,0,0.5\n"b c",1,0\n'
    if written == "quotes":
        text = text.replace(",", ", ").replace("b c", '"b c"', 1)
    file = tmp_path / ("truth.csv.gz" if written == "gzip" else "truth.csv")
    code = "utf-16" if written == "utf-16" else "utf-8"
    file.write_bytes(gzip.compress(text.encode()) if written == "gzip" else text.encode(code))
    found = netxr.load_connectivity(file, rows="target")
    assert found.target.values.tolist() == found.source.values.tolist() == ["a", "b c"]
    np.testing.assert_array_equal(found, [[0, 0.5], [1, 0]])
