"""HDF5 files of others, read within the limits of `system.limits`.

An HDF5 file states the shapes of its datasets, the sizes of their chunks and of its attributes, and may refer to other
files, by external links, external storage and virtual datasets. Here sizes are checked before memory is allocated, and
only what is in the file itself is read.

`open_hdf5` is the way to open the files of others.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from chirpleaf.system.hdf5_heaps import find_heap_fault
from chirpleaf.system.limits import LIMITS, LoadLimits, show_bytes

_ITEM_BYTES = 8
"""Bytes of a float64."""

_ATTRIBUTE_BYTES = 16 * 2**20
"""Largest attribute. Those of results hold JSON of some hundred kilobytes."""

_HOPS = 4
"""Soft links that are followed one after another. Those of the project need one; a loop of them ends here."""


@contextmanager
def open_hdf5(path: Path) -> Iterator[h5py.File]:
    """Opens a file for reading, if the library can read it to an end.

    Args:
        path: the file.

    Yields:
        The open file.

    Raises:
        OSError: it is no HDF5, or damaged.
    """
    if fault := find_heap_fault(path):
        raise OSError(f"{path} {fault}")
    with h5py.File(path, "r") as file:
        yield file


def list_datasets(file: h5py.File, limits: LoadLimits = LIMITS) -> dict[str, h5py.Dataset]:
    """All datasets of a file by their path, each once, in the order of their names; soft and external links not.

    Args:
        file: an open file.
        limits: limits of entries and depth.

    Raises:
        ValueError: there are too many entries, or groups in groups too deep.
    """
    found: dict[str, h5py.Dataset] = {}
    groups: list[tuple[str, h5py.Group]] = [("", file)]
    seen, count = {hash(file.id)}, 0
    while groups:
        place, group = groups.pop(0)
        count += len(group)
        if count > limits.entries or place.count("/") > limits.depth:
            raise ValueError(f"more than {limits.entries} entries, or groups in groups of {limits.depth} levels")
        for name in group:
            item = group.get(name) if isinstance(group.get(name, getlink=True), h5py.HardLink) else None
            if item is None or hash(item.id) in seen:
                continue
            seen.add(hash(item.id))
            if isinstance(item, h5py.Dataset):
                found[f"{place}{name}"] = item
            elif isinstance(item, h5py.Group):
                groups.append((f"{place}{name}/", item))
    return dict(sorted(found.items()))


def check_content(file: h5py.File, limits: LoadLimits = LIMITS) -> None:
    """Checks the sizes of everything in a file that is read as a whole.

    Args:
        file: an open file.
        limits: limits of numbers, entries and depth.

    Raises:
        ValueError: the file claims to hold more than the limits allow, or refers to other files.
    """
    datasets = list_datasets(file, limits)
    size = sum(check_dataset(dataset, limits) for dataset in datasets.values())
    if size > limits.values * _ITEM_BYTES:
        raise ValueError(f"the datasets claim {show_bytes(size)} together")
    for item in (file, *datasets.values()):
        for name in item.attrs:
            _check_attribute(item, name)
    groups = {file, *(file[name].parent for name in datasets)}
    if any(isinstance(group.get(name, getlink=True), h5py.ExternalLink) for group in groups for name in group):
        raise ValueError("links to other files")


def get_dataset(group: h5py.Group, path: str, *, hops: int = _HOPS) -> h5py.Dataset | None:
    """A dataset by its path; None if there is none, or it is in another file.

    Args:
        group: a group, or the file.
        path: names, separated by slashes.
        hops: most soft links that are followed.
    """
    item = _find(group, path, hops)
    return item if isinstance(item, h5py.Dataset) else None


def _find(group: h5py.Group, path: str, hops: int) -> Any:
    """What a path leads to without leaving the file; h5py itself would open the files of external links."""
    item: Any = group.file if path.startswith("/") else group
    for name in filter(None, path.split("/")):
        link = item.get(name, getlink=True) if isinstance(item, h5py.Group) else None
        if isinstance(link, h5py.SoftLink) and hops:
            item = _find(item, link.path, hops - 1)
        else:
            item = item.get(name) if isinstance(link, h5py.HardLink) else None
    return item


def read_dataset(dataset: h5py.Dataset, limits: LoadLimits = LIMITS) -> np.ndarray:
    """The values of a dataset.

    Args:
        dataset: of numbers or text, any shape.
        limits: limit of numbers.

    Raises:
        ValueError: it claims to be larger than the limits allow, or its values are in another file.
    """
    check_dataset(dataset, limits)
    return np.asarray(dataset[()])


def check_dataset(dataset: h5py.Dataset, limits: LoadLimits = LIMITS) -> int:
    """Checks the sizes that a dataset claims.

    Args:
        dataset: the dataset.
        limits: limit of numbers.

    Returns:
        Its size in memory, bytes.

    Raises:
        ValueError: as `read_dataset`.
    """
    name = dataset.name
    if dataset.is_virtual or dataset.external:
        raise ValueError(f"the values of {name} are in another file")
    width = max(dataset.dtype.itemsize, 1)
    largest = limits.values * _ITEM_BYTES
    size, values = prod(dataset.shape or ()) * width, prod(dataset.shape or ())
    chunk = prod(dataset.chunks) * width if dataset.chunks else 0
    if values > limits.values or max(size, chunk) > largest:
        raise ValueError(
            f"{name} claims {show_bytes(max(size, chunk, values * _ITEM_BYTES))}, more than the {show_bytes(largest)} "
            "that are read"
        )
    return int(size)


def read_attribute(item: h5py.Dataset | h5py.Group, name: str) -> Any:
    """An attribute.

    Args:
        item: dataset, group or file.
        name: name of the attribute.

    Raises:
        KeyError: it has none of this name.
        ValueError: the attribute claims to be larger than some megabytes.
    """
    _check_attribute(item, name)
    return item.attrs[name]


def read_scalar(item: h5py.Dataset | h5py.Group, name: str) -> float:
    """An attribute that is one number.

    Args:
        item: dataset, group or file.
        name: name of the attribute.

    Raises:
        KeyError: it has none of this name.
        ValueError: the attribute is not one number.
    """
    value = np.asarray(read_attribute(item, name))
    if value.size != 1 or value.dtype.kind not in "fiu":
        raise ValueError(f"the attribute {name} is not one number")
    return float(value.reshape(())[()])


def _check_attribute(item: h5py.Dataset | h5py.Group, name: str) -> None:
    """Refuses an attribute that claims to be large."""
    attribute = item.attrs.get_id(name)
    size = prod(attribute.shape or ()) * max(attribute.dtype.itemsize, 1)
    if size > _ATTRIBUTE_BYTES:
        raise ValueError(f"the attribute {name} claims {show_bytes(size)}")
