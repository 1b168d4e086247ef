"""Estimates of connectivity, small functions of lagged moments, and how they agree with a truth.

Begin with `estimator`, which says what one is, `correlation`, the first, and `table`, which lists them: a new one is an
entry there. `estimate` runs them by name and `apply` on data; `fit` is what regressions share, `rows` writes matrices
larger than memory, `strongest` lists pairs, `compare` scores.
"""
