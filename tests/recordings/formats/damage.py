"""Files cut off and overwritten at random: only errors of netxr may come of them."""

import gc

import numpy as np

from netxr.errors import NetxrError


def damaged(content, *, cases, seed=0):
    """Yield `content` cut off, with bytes changed near its beginning, and anywhere, in turn."""
    rng = np.random.default_rng(seed)
    for case in range(cases):
        if case % 3 == 0:
            yield content[: rng.integers(len(content))]
            continue
        changed = bytearray(content)
        reach = min(2048, len(content)) if case % 3 == 1 else len(content)
        for place in rng.integers(reach, size=rng.integers(1, 12)):
            changed[place] = rng.integers(256)
        yield bytes(changed)


def refusals(load, path, *, cases=60):
    """Load `path` damaged in many ways; return what was said, anything but an error of netxr being raised."""
    load(path)
    told = []
    for k, content in enumerate(damaged(path.read_bytes(), cases=cases)):
        victim = path.with_name(f"damaged-{k}-{path.name}")  # a file each: HDF5 goes on with one that is still open
        victim.write_bytes(content)
        try:
            load(victim)
        except NetxrError as error:
            told.append(str(error))
            assert str(victim) in told[-1]
    gc.collect()  # files that readers left open are closed in the test that knows of them
    return told
