"""Reads arrays out of an HDF5 file without following it to other files."""

from typing import Any

import h5py
import numpy as np

from source.modeler.importing import _claims


def member(group: h5py.Group, key: str) -> Any:
    """Returns the group or dataset of this name that lies in the file itself.

    Args:
        group: where it is.
        key: its name, without slashes.

    Raises:
        ValueError: if there is none, or it is a link, which may point into another file.
    """
    link = group.get(key, getlink=True) if isinstance(group, h5py.Group) else None
    if link is None:
        raise ValueError(f"it has no {key} in {group.name}")
    if not isinstance(link, h5py.HardLink):
        raise ValueError(f"it has a link at {group.name}/{key}")
    return group[key]


def array(dataset: Any) -> np.ndarray:
    """Returns the values of a dataset.

    Args:
        dataset: stored in the file itself.

    Raises:
        ValueError: if it is a group, its values are stored in another file, or it claims more values than are
            stored.
    """
    if not isinstance(dataset, h5py.Dataset):
        raise ValueError(f"{dataset.name} is no array")
    if dataset.external or dataset.is_virtual:
        raise ValueError(f"{dataset.name} lies in another file")
    if dataset.shape is None:
        raise ValueError(f"{dataset.name} has no values")
    claimed = _claims.size(dataset.shape, dataset.dtype.itemsize)
    _claims.require_stored(dataset.name, claimed, dataset.id.get_storage_size())
    return np.asarray(dataset)
