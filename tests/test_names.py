import ast
import itertools
from pathlib import Path

from netxr import names as n


def constants():
    return {name: value for name, value in vars(n).items() if name.isupper() and isinstance(value, str)}


def test_every_name_is_spelled_once():
    values = list(constants().values())
    assert all(values)
    assert len(set(values)) == len(values)


def test_dims_are_those_of_the_data_model():
    assert (n.NEURON, n.TIME, n.TRIAL) == ("neuron", "time", "trial")
    assert (n.TARGET, n.SOURCE, n.LAG) == ("target", "source", "lag")


def test_every_dim_and_variable_is_documented():
    """A description is of the names above it, which have a word in common or are a pair."""
    lines = ast.parse(Path(n.__file__).read_text()).body
    first_attribute = next(k for k, line in enumerate(lines) if _assigned(line) == "SCHEMA_VERSION")
    for is_name, group in itertools.groupby(lines[:first_attribute], lambda line: bool(_assigned(line))):
        names = [_assigned(line) for line in group] if is_name else []
        alike = set.intersection(*(set(name.split("_")) for name in names)) if names else True
        assert alike or names in (["X", "Y"], ["LOWER", "UPPER"]), f"one of {names} has no description"
    assert not is_name, f"{names[-1]} has no description"


def _assigned(line):
    return line.target.id if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) else None
