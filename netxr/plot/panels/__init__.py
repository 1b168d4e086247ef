"""Several figures that belong together: dashboards, linked figures, those of the tutorial.

Begin with `dashboards.dashboard`.
"""
