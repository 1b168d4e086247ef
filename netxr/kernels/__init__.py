"""Numerical kernels: plain arrays in, plain arrays out, no labels and no input/output."""
