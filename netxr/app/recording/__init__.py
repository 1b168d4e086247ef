"""The tab for a recording: choose it, estimate, look, save.

Begin with `tab`; `compute` estimates, `views` draws.
"""
