"""Neurodata Without Borders, read by h5py alone: activity from series or spike times, and the tables beside it.

Begin with `recording`.
"""
