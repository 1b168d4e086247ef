"""Figures of A and R: heatmaps, pairs of them, grids, and directed graphs.

Begin with `heatmaps.matrix` and `side_by_side.compare`; graphs begin in `graphs.network`.
"""
