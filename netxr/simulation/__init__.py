"""Where the truth is known: random networks, their activity, sweeps over many of them, the tutorial.

Begin with `simulate`; `networks` draws the connectivity.
"""
