"""Figures of scores and of R over lag: curves, maps, and how an estimate agrees with the truth.

Begin with `curves.score_curve` and `agreements.agreement`.
"""
