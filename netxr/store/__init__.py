"""How a dataset lies in Zarr, gets there whole, opens lazily, and has versions.

Begin with `dataset`, which saves and opens, and `commits`, by which a change is there all at once or not at all
(drawn in ``examples/store_layout.md``)::

    save                    append, add             simulate(store=)        open
      |                         |                       |                     |
    staging: a hidden       transactions: chunks    resumable: chunks       dataset: one read of
    folder, then renamed    where no reader looks   in pieces               the group's document
      |                         |                       |                     |
      +--------- commits: the document of the group is replaced           lazy: chunks, when
                 with a copy of all others, in one step                   they are asked for
                                |
      metadata: what documents say     locks, writers: who may write, on which machine
      keys, checksums: which chunk is where      chunk: one file, decoded
"""
