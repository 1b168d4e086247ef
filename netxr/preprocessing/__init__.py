"""A recording before anything is estimated from it: selected, resampled, detrended, filtered, freed of bad frames.

Every step is lazy, keeps labels, and records what it did. Begin with `samples`; `steps` is what all of them share.
"""
