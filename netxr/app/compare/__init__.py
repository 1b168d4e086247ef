"""The tab for two matrices side by side.

Begin with `tab`; `run` scores, `views` draws.
"""
