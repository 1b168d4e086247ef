"""Estimates of connectivity, small functions of lagged moments, and how they agree with a truth.

Begin with `correlation.lagged_correlation`; `rows` writes matrices that are larger than memory, `strongest` lists
pairs, `compare` scores an estimate.
"""
