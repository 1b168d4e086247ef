"""The tab for the tutorial, with its sliders.

Begin with `tab`; `compute` simulates, `live` redraws matrices as one moves, `views` draws what else there is.
"""
