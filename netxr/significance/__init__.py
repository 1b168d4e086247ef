"""How sure an estimate is: p-values and intervals, false discoveries, reliability, and the edges that remain.

Begin with `correlation_test`, the p-value of each pair under autocorrelation. `jackknife` and `reliability` work on
any estimator, from moments in blocks; `edges` lists what is left at a false discovery rate.
`recoverability` foretells how well estimators would find a network like the one that was recorded.
"""
