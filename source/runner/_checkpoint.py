"""Checkpoints: one file that holds the state of a run, written so that a kill leaves the last good one.

A checkpoint is an uncompressed `.npz` archive: one array per variable under its name (`model/conv1/kernel`),
and
`record`, the UTF-8 bytes of a JSON text with the step and what the callbacks remember. It can be read with
NumPy
alone, holds no code, and every array carries the CRC-32 of the zip format.
"""

import dataclasses
import json
import os
import pathlib
import re
import zipfile
from collections.abc import Mapping
from typing import Any

import ml_dtypes
import numpy as np

from source.config.errors import CheckpointError

_RECORD = "record"
_NAME = re.compile(r"checkpoint-(\d{8,})\.npz")


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """The state of a run.

    Attributes:
        arrays: value of every variable, by name.
        record: step and everything else that JSON can hold.
    """

    arrays: Mapping[str, np.ndarray]
    record: Mapping[str, Any]


def write_checkpoint(path: pathlib.Path, checkpoint: Checkpoint) -> None:
    """Writes a checkpoint under a temporary name, flushes it to the disk, and renames it.

    Args:
        path: the file to write; its folder is made if need be.
        checkpoint: what to write.

    Raises:
        CheckpointError: if it cannot be written, such as on a full disk; what was there before stays.
    """
    temporary = path.with_name(path.name + ".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            np.savez(file, **_encode(checkpoint))  # type: ignore[arg-type]  # names are no options
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _flush_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise CheckpointError(f"{path}: the checkpoint could not be written: {error.strerror}.") from error


def read_checkpoint(path: pathlib.Path) -> Checkpoint:
    """Returns the checkpoint in a file, with every checksum verified.

    Args:
        path: a file written by `write_checkpoint`.

    Raises:
        CheckpointError: if the file is missing, truncated, changed, or no checkpoint.
    """
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        record = json.loads(bytes(arrays.pop(_RECORD)))
    except FileNotFoundError:
        raise CheckpointError(f"{path}: there is no such checkpoint.") from None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{path}: not a readable checkpoint, perhaps truncated ({error}).") from error
    for name, dtype in record.pop("dtypes", {}).items():
        arrays[name] = arrays[name].view(np.dtype(getattr(ml_dtypes, dtype)))
    return Checkpoint(arrays, record)


def checkpoint_path(folder: pathlib.Path, step: int) -> pathlib.Path:
    """Returns where the checkpoint of a step stands in a folder."""
    return folder / f"checkpoint-{step:08d}.npz"


def list_checkpoints(folder: pathlib.Path) -> list[tuple[int, pathlib.Path]]:
    """Returns step and file of all checkpoints in a folder, oldest first; empty without such a folder."""
    if not folder.is_dir():
        return []
    found = ((_NAME.fullmatch(path.name), path) for path in folder.iterdir())
    return sorted((int(match[1]), path) for match, path in found if match)


def remove_old_checkpoints(folder: pathlib.Path, keep: int) -> None:
    """Removes all but the newest `keep` checkpoints of a folder, and what a killed run left half written."""
    for _, path in list_checkpoints(folder)[:-keep]:
        path.unlink(missing_ok=True)
    for path in folder.glob("checkpoint-*.npz.tmp"):
        path.unlink(missing_ok=True)


def _encode(checkpoint: Checkpoint) -> dict[str, np.ndarray]:
    """Returns the arrays of the archive; types that NumPy lacks (bfloat16) go as unsigned integers."""
    arrays = dict(checkpoint.arrays)
    foreign = {name: array.dtype.name for name, array in arrays.items() if array.dtype.kind == "V"}
    for name in foreign:
        arrays[name] = arrays[name].view(f"u{arrays[name].dtype.itemsize}")
    record = json.dumps({**checkpoint.record, "dtypes": foreign}).encode()
    arrays[_RECORD] = np.frombuffer(record, np.uint8)
    return arrays


def _flush_folder(folder: pathlib.Path) -> None:
    """Makes the renaming itself durable: without it a power cut may bring the old name back."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
