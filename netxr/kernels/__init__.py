"""Numerics: plain arrays in, plain arrays out, no labels and no input or output.

Begin with `moments`, what sums over pairs of samples amount to (they are gathered in `running_sums`,
added up in `block_sums`, and join in `lagged_sums`), and `dynamics`, the loop of the simulator.
"""
