"""MATLAB files: those of version 7.3 are HDF5, older ones are read by netxr itself.

Begin with `file`; `version5` says why SciPy does not read them.
"""
