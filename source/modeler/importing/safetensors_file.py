"""Reads a `.safetensors` file: a header in JSON, then the bytes of the arrays one after another.

The format: https://huggingface.co/docs/safetensors/index#format
"""

import json
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from source.modeler.importing import _claims

_LENGTH_BYTES = 8
_LONGEST_HEADER = 100_000_000  # what the format's own reader takes at most
_METADATA = "__metadata__"
_BFLOAT16 = "BF16"
_TYPES = {
    **dict(zip(("F64", "F32", "F16", _BFLOAT16), ("<f8", "<f4", "<f2", "<u2"), strict=True)),
    **{f"{kind}{bits}": f"<{kind.lower()}{bits // 8}" for kind in "IU" for bits in (8, 16, 32, 64)},
    "BOOL": "|b1",
}


def read(file: pathlib.Path) -> dict[str, np.ndarray]:
    """Returns the arrays by name, in the order of their bytes; bfloat16 becomes float32, which is exact.

    Args:
        file: a `.safetensors` file.

    Raises:
        ValueError: if the header is none, a type is unknown, or the arrays overlap, leave a gap, or do not end where
            the file does.
    """
    data = file.read_bytes()
    header, start = _header(data)
    entries = sorted(
        ((name, *_entry(name, value)) for name, value in header.items() if name != _METADATA),
        key=lambda entry: entry[3:],
    )
    arrays: dict[str, np.ndarray] = {}
    position = 0
    for name, kind, shape, begin, end in entries:
        if begin != position:
            raise ValueError(f"{name} begins at byte {begin:,}; the arrays before it end at {position:,}")
        if _claims.size(shape, np.dtype(_TYPES[kind]).itemsize) != end - begin or start + end > len(data):
            raise ValueError(
                f"{name} of type {kind} and shape {shape} does not fit bytes {begin:,} to {end:,} of "
                f"{len(data) - start:,}"
            )
        array = np.frombuffer(data[start + begin : start + end], _TYPES[kind]).reshape(shape)
        arrays[name] = _widened(array) if kind == _BFLOAT16 else array
        position = end
    if start + position != len(data):
        raise ValueError(f"{len(data) - start - position:,} bytes behind the last array belong to none")
    return arrays


def _header(data: bytes) -> tuple[Mapping[str, Any], int]:
    """Returns the header and where the arrays begin."""
    length = int.from_bytes(data[:_LENGTH_BYTES], "little")
    if len(data) < _LENGTH_BYTES or length > min(len(data) - _LENGTH_BYTES, _LONGEST_HEADER):
        raise ValueError(f"its header claims {length:,} bytes, and the file has {len(data):,}")
    try:
        header = json.loads(data[_LENGTH_BYTES : _LENGTH_BYTES + length], object_pairs_hook=_without_doubles)
    except (UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"its header is no JSON text: {error}") from error
    if not isinstance(header, dict):
        raise ValueError("its header is no mapping of arrays")
    return header, _LENGTH_BYTES + length


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if doubles := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"it has two arrays called {min(doubles)}")
    return dict(pairs)


def _entry(name: str, value: Any) -> tuple[str, tuple[int, ...], int, int]:
    """Returns type, shape, first byte and the byte behind the last."""
    if not isinstance(value, dict) or set(value) != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"{name}: expected dtype, shape and data_offsets. Received: {value!r}")
    kind, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if kind not in _TYPES:
        raise ValueError(f"{name}: expected a type among {', '.join(_TYPES)}. Received: {kind!r}")
    if not _are_counts(shape) or not _are_counts(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise ValueError(f"{name}: expected lengths and two rising offsets. Received: {shape!r}, {offsets!r}")
    return kind, tuple(shape), offsets[0], offsets[1]


def _are_counts(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int and value >= 0 for value in values)


def _widened(halves: np.ndarray) -> np.ndarray:
    """Returns float32 numbers of which `halves` are the upper 16 bits: that is what bfloat16 is."""
    return (halves.astype("<u4") << 16).view("<f4")
