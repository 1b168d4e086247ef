"""The tab for a recording: choose it, estimate, look, save.

Begin with `tab`; `run` computes, `figures` draws.
"""
