"""Where the truth is known: random networks, their activity, sweeps over many of them, the tutorial.

Begin with `simulate`; `networks` draws the connectivity. The loop itself and its noise are numerics:
`kernels/dynamics` and `kernels/noise`.
"""
