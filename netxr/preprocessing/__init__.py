"""A recording before anything is estimated from it: selected, cut, resampled, filtered, freed of bad frames.

Every step is lazy, keeps labels, and records what it did. Begin with `samples`, the simplest; `put_back` is what
all steps share, and `z_score` stands in `detrend`. `spikes` makes a recording of spike times.
"""
