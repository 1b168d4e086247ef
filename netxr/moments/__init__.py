"""Lagged second moments, the idea of netxr: one pass over a recording, from which every linear estimate follows.

A pass is checked and planned (`planning`, `plans`), run (`one_pass`, or `row_pass` where the result is larger than
memory), merged (`merge`) and coarse-grained (`coarse`, `levels`). Begin with `lagged.lagged_moments`.
"""
