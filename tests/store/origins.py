"""Who saved a dataset when, which differs from one saving to the next."""

from netxr import names as n

ORIGIN = (n.CREATED, n.CREATED_BY, n.HISTORY)


def without_origin(dataset):
    """The dataset without the attributes that say who saved it when."""
    return dataset.drop_attrs(deep=False).assign_attrs(
        {name: value for name, value in dataset.attrs.items() if name not in ORIGIN}
    )
