"""One HTML page of numbers and figures, which opens without a network.

`page` is what a page is made of; `run`, `sweep` and `tutorial` fill it from a dataset, with the tables of `facts`.
Begin with `run.report_run`.
"""

from netxr.report.page import Figure, Listing, Table, write_report

__all__ = ["Figure", "Listing", "Table", "write_report"]
