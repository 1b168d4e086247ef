"""Lagged second moments, the idea of netxr: one pass over a recording, from which every linear estimate follows.

A pass is checked at the door (`prepare`) and split to stay within a budget (`budget`), run (`one_pass`) over neurons
and what lies `beside` them, merged (`merge`) and coarse-grained (`coarse`, `levels`). Begin with
`lagged.lagged_moments`.
"""
