"""Numerics: plain arrays in, plain arrays out, no labels and no input or output.

Imports names and errors alone. Begin with `moments`, what sums over pairs of samples amount to, and `dynamics`, the
loop of the simulator.
"""
