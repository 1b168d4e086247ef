"""Figures of A and R: heatmaps, pairs of them, grids, and directed graphs.

Begin with `heatmaps.matrix` and `pairs.compare`; graphs begin in `graphs.network`.
"""
