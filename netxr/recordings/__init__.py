"""Recordings that last: open, load, convert, append, update, catalog, verify.

Begin with `open`; files of other tools are read in `formats`, a module each.
"""
