"""Reads the variables of a TensorFlow checkpoint, of version 1 or 2, with TensorFlow's own reader."""

import pathlib
import re
from collections.abc import Callable

import numpy as np

from source.modeler.importing import _claims

_INDEX = ".index"
_STORED_AS = "/.ATTRIBUTES/VARIABLE_VALUE"
_OF_SAVED_MODEL = pathlib.PurePath("variables", "variables.index")
_LISTING = "checkpoint"  # a file beside checkpoints that names the newest


def is_checkpoint(file: pathlib.Path) -> bool:
    """Whether a path is that of a checkpoint: its prefix, its `.index` file, a folder with one, or a SavedModel.

    Args:
        file: the path.
    """
    if file.is_dir():
        return (file / _OF_SAVED_MODEL).is_file() or (file / _LISTING).is_file() or bool(list(file.glob(f"*{_INDEX}")))
    return file.suffix in (_INDEX, ".ckpt") or pathlib.Path(f"{file}{_INDEX}").is_file()


def read(file: pathlib.Path) -> dict[str, np.ndarray]:
    """Returns the numeric variables by name, names with numbers in the order of the numbers.

    What a TF2 checkpoint adds to a name (`/.ATTRIBUTES/VARIABLE_VALUE`) is left away, and so is the description of
    its objects.

    Args:
        file: a path for which `is_checkpoint`.

    Raises:
        ValueError: if it is broken, or a variable is larger than what is stored.
    """
    import tensorflow as tf

    try:
        prefix = _prefix(file, tf.train.latest_checkpoint)
        reader = tf.train.load_checkpoint(str(prefix))
        types = reader.get_variable_to_dtype_map()
        shapes = reader.get_variable_to_shape_map()
        names = [name for name in shapes if types[name].is_floating or types[name].is_integer or types[name].is_bool]
        claimed = sum(_claims.size(shapes[name], types[name].size) for name in names)
        _require_stored(prefix, claimed)
        return {
            name.removesuffix(_STORED_AS): _plain(reader.get_tensor(name)) for name in sorted(names, key=_by_number)
        }
    except (tf.errors.OpError, RuntimeError) as error:
        raise ValueError(str(error).partition("\n")[0]) from error


def _prefix(file: pathlib.Path, latest: Callable[[str], str | None]) -> pathlib.Path:
    """Returns what all files of the checkpoint begin with."""
    if file.is_dir() and (file / _OF_SAVED_MODEL).is_file():
        file = file / _OF_SAVED_MODEL
    elif file.is_dir() and (newest := latest(str(file))) is not None:
        return pathlib.Path(newest)
    elif file.is_dir():
        indices = sorted(file.glob(f"*{_INDEX}"))
        if len(indices) != 1:
            names = ", ".join(index.name for index in indices) or "none"
            raise ValueError(f"expected one checkpoint in the folder; name the one you mean. Received: {names}")
        file = indices[0]
    return file.with_suffix("") if file.suffix == _INDEX else file


def _require_stored(prefix: pathlib.Path, claimed: int) -> None:
    """Refuses a checkpoint whose variables are larger than its files; only those of version 1 are compressed."""
    if prefix.is_file():
        _claims.require_stored("the checkpoint", claimed, prefix.stat().st_size)
    elif shards := list(prefix.parent.glob(f"{prefix.name}.data-*-of-*")):
        _claims.require_stored("the checkpoint", claimed, sum(shard.stat().st_size for shard in shards), densest=1)


def _by_number(name: str) -> list[tuple[int, str]]:
    """Returns a key that puts `layer-2` before `layer-10`."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name) if part]


def _plain(value: np.ndarray) -> np.ndarray:
    """Returns the values in a type that NumPy has itself; bfloat16, which it lacks, becomes float32."""
    array = np.asarray(value)
    return array if array.dtype.kind in "biuf" else array.astype(np.float32)
