"""The tab for the tutorial, with its sliders.

Begin with `tab`; `run` simulates, `live` redraws as one moves.
"""
