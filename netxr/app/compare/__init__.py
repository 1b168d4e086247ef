"""The tab for two matrices side by side.

Begin with `tab`; `compute` scores, `views` draws.
"""
