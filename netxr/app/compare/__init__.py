"""The tab for two matrices side by side.

Begin with `tab`; `compute` scores, `matched` and `sure` say what is compared and how sure it is, `views` draws.
"""
