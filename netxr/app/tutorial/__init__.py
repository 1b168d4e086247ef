"""The tab for the tutorial, with its sliders.

Begin with `tab`; `compute` simulates, `live` redraws as one moves.
"""
