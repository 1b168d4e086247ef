"""A recording before anything is estimated from it: selected, cut, resampled, filtered, freed of bad frames.

Every step is lazy, keeps labels, and records what it did. Begin with `samples`, the simplest, where `resample` is;
`put_back` is what all steps share. `high_pass` and `low_pass` stand in `filtering`, `z_score` in `detrend`; `spikes`
makes a recording of spike times.
"""
