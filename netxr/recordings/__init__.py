"""Recordings that last: open, load, convert, append, update, catalog, verify.

Begin with `open`; files of other tools are read in `formats`, a module each. `compatible` says what may be appended to
what, `contents` what a store holds, `truths` reads a connectivity.
"""
