"""Numerics: plain arrays in, plain arrays out, no labels and no input or output.

Begin with `moments`, what sums over pairs of samples amount to, and `dynamics`, the
loop of the simulator.
"""
