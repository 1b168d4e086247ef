"""Tables of text: samples, a matrix or a list of edges, with labels or without, as people and programs write them.

Begin with `table`; `connectivity` and `time_columns` read what a table says beside its numbers.
"""
