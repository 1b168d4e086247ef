"""Stores and files that would harm an app that trusted them."""

import json
import os
import zipfile

import netxr

PAYLOADS = (
    "<script>window.attacked = 1</script>",
    "<img src=x onerror='window.attacked = 1'>",
    '"><svg onload="window.attacked = 1">',
    "</script><script>window.attacked = 1</script>",
    "javascript:window.attacked=1",
    "{{ 7 * 7 }}${window.attacked=1}",
)


def hostile_stores(folder, run):
    """Put into a folder a good store, one whose labels promise 80 GB, and broken ones; returns the names of these."""
    documents = {}
    for name in ("good", "cut", "chunks", "pipe", "deep", "long", "labels"):
        netxr.save(run, folder / f"{name}.zarr")
        documents[f"{name}.zarr"] = folder / f"{name}.zarr" / "zarr.json"
    whole = documents.pop("good.zarr").read_text()
    documents["cut.zarr"].write_text(whole[: len(whole) // 2])
    documents["deep.zarr"].write_text("[" * 10_000)
    documents["long.zarr"].write_text(whole + " " * 2**26)
    documents["pipe.zarr"].unlink()
    os.mkfifo(documents["pipe.zarr"])
    rewrite(documents["chunks.zarr"], "activity", [4, 10**8, 1], [1, 1, 1])
    rewrite(documents.pop("labels.zarr"), "neuron", [10**10], [10**10])
    os.mkfifo(folder / "pipe.npz")
    with zipfile.ZipFile(folder / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("activity.npy", bytes(2**27))
    return list(documents)


def rewrite(document, array, shape, chunks):
    """Give an array another shape and other chunks, in its own metadata and in the copy of them in the group's."""
    group = json.loads(document.read_text())
    own = group["consolidated_metadata"]["metadata"][array]
    own["shape"], own["chunk_grid"]["configuration"]["chunk_shape"] = shape, chunks
    document.write_text(json.dumps(group))
    (document.parent / array / "zarr.json").write_text(json.dumps(own))


def scripted_store(folder):
    """Put into a folder a run of which every text is a script; returns its name."""
    name = f"{PAYLOADS[1]}.zarr"
    run = netxr.simulate(netxr.random_connectivity(len(PAYLOADS), seed=1), n_steps=100, seed=1)
    run = run.assign(netxr.lagged_correlation(run.activity).to_dataset().data_vars)
    labels = {dim: list(PAYLOADS) for dim in ("neuron", "target", "source")}
    run = netxr.assign_groups(run.assign_coords(labels), groups=list(PAYLOADS[:2]) * (len(PAYLOADS) // 2))
    run["activity"].attrs |= {"units": PAYLOADS[0], "long_name": PAYLOADS[3], "description": PAYLOADS[1]}
    netxr.save(run.assign_attrs(title=PAYLOADS[0], notes=list(PAYLOADS), source_file=PAYLOADS[2]), folder / name)
    return name
