"""The tab for a sweep: curves, and the map of where a score is good enough.

Begin with `tab`; `views` draws curves, `maps` the map, `words` says what it shows.
"""
