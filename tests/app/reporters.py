"""Processes that write no report; what they import is imported anew in each."""

from threading import Event


def ended(reported, file, said):
    """A process that says nothing."""


def endless(reported, file, said):
    """A process that goes on for ever."""
    said.send((1, 5))
    Event().wait()
