"""What every tab of the app stands on: the page, its session, jobs in the background, controls, downloads.

Begin with `page`, then `session`.
"""
