import re

import numpy as np

import netxr
from netxr import names as n
from netxr.schema.provenance import CURRENT_SCHEMA, first_saved, provenance, with_event


def test_provenance_leaves_out_what_is_not_known():
    attrs = provenance(seed=0, model=None)
    assert attrs == {
        "schema_version": CURRENT_SCHEMA,
        "netxr_version": netxr.__version__,
        "numpy_version": np.__version__,
        "seed": 0,
    }


def test_what_was_saved_before_keeps_its_origin():
    first = first_saved({"seed": 1, n.SCHEMA_VERSION: 1}, "simulate")
    assert first["seed"] == 1
    assert first[n.SCHEMA_VERSION] == CURRENT_SCHEMA
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", first[n.CREATED])
    assert first[n.HISTORY] == f"{first[n.CREATED]} {first[n.CREATED_BY]}: netxr {first['netxr_version']} simulate"
    assert first_saved(first, "save") == first


def test_an_event_is_one_more_line():
    attrs = with_event({n.HISTORY: "recorded by hand", "seed": 1}, "append: 5 along time")
    before, event = attrs[n.HISTORY].splitlines()
    assert before == "recorded by hand"
    assert event.endswith("append: 5 along time")
    assert attrs["seed"] == 1


def test_a_user_without_a_name_is_unknown(monkeypatch):
    def nobody():
        raise KeyError("uid not found")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert first_saved({}, "save")[n.CREATED_BY] == "unknown"
