"""Where the truth is known: random networks, their activity, sweeps over many of them, the tutorial.

Begin with `simulate`; `networks` draws the connectivity, in one of `structures`; `model` checks how it is simulated;
`observe` makes of a run what a recording shows. The loop itself and its noise are numerics:
`kernels/dynamics`, `kernels/units`, `kernels/spiking`, `kernels/drives` and `kernels/noise`.
"""
