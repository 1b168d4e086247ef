"""Estimates of connectivity, small functions of lagged moments, and how they agree with a truth.

Begin with `table`, which lists the estimators: a new one is an entry there, such as `pearson`. `estimate` runs them,
`correlation` the first; `fit` is what regressions share, `rows` writes matrices larger than memory, `strongest` lists
pairs, `compare` scores.
"""
