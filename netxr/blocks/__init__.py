"""Passes over arrays that are longer than memory: blocks, segments, schedulers, progress. Knows nothing of neurons.

Begin with `segments`, which reduces the last axis of an array in memory or of a dask array.
"""
