"""Reads the arrays of an `.npz` file by their names, one by one, and nothing that would have to be unpickled."""

import pathlib
import zipfile
from typing import IO

import numpy as np

from source.modeler.importing import _claims

_SUFFIX = ".npy"


def read(file: pathlib.Path) -> dict[str, np.ndarray]:
    """Returns the arrays by name, in the order of the file.

    Args:
        file: a ZIP archive of `.npy` members, as `numpy.savez` and `numpy.savez_compressed` write it.

    Raises:
        ValueError: if a member is no `.npy` file, holds objects, or has more or fewer bytes than it says.
        zipfile.BadZipFile: if it is no archive, or a checksum is wrong.
    """
    arrays: dict[str, np.ndarray] = {}
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            if not member.filename.endswith(_SUFFIX):
                raise ValueError(f"{member.filename} is no array: its name must end in {_SUFFIX}")
            name = member.filename.removesuffix(_SUFFIX)
            if name in arrays:
                raise ValueError(f"it has two arrays called {name}")
            _claims.require_stored(name, member.file_size, member.compress_size)
            with archive.open(member) as stream:
                arrays[name] = _read_npy(stream, name, member.file_size)
    return arrays


def _read_npy(stream: IO[bytes], name: str, file_size: int) -> np.ndarray:
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    version = np.lib.format.read_magic(stream)
    if version not in readers:
        raise ValueError(f"{name}: expected version 1.0 or 2.0 of the format .npy. Received: {version}")
    shape, by_columns, dtype = readers[version](stream)
    if dtype.hasobject:
        raise ValueError(f"{name} holds Python objects, which are never unpickled")
    claimed = _claims.size(shape, dtype.itemsize)
    if claimed != file_size - stream.tell():
        raise ValueError(f"{name} claims {claimed:,} bytes, and {file_size - stream.tell():,} are stored for it")
    array = np.frombuffer(stream.read(), dtype)
    return array.reshape(shape, order="F" if by_columns else "C")
