"""Figures of samples of any length, read as one zooms: traces and rasters.

Begin with `traces`; `binning` says what is read for a window.
"""
