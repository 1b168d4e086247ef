"""How a dataset lies in Zarr, gets there whole, opens lazily, and has versions.

Begin with `dataset`, which saves and opens, and `commits`, by which a change is there all at once or not at all.
"""
