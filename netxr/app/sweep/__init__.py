"""The tab for the scores of a sweep.

Begin with `tab`; `views` draws.
"""
