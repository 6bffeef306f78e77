"""The file of a program: NumPy's `.npz`, stored and not compressed, without pickles.

The entry `program` holds JSON as bytes (uint8); each other entry is an array that the JSON refers to as
`{"array": name}`. Reading allocates no more than the file has bytes.
"""

import dataclasses
import io
import json
import os
import pathlib
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from source.config.errors import DataError
from source.exporter.integer._operation import Operation
from source.exporter.integer.elementwise import Addition, Concatenation, Padding, Requantization, Reshaping
from source.exporter.integer.pooling import AveragePooling, MaxPooling
from source.exporter.integer.products import Convolution, Dense, DepthwiseConvolution
from source.exporter.integer.program import Program
from source.exporter.integer.tensor import Codes

FORMAT = "espalier integer program"
VERSION = 1
_HEADER = "program"
_MOST_ENTRIES = 10_000
_DTYPES = ("int8", "int16", "int32", "uint8")
_KINDS: dict[str, type[Operation]] = {
    "add": Addition,
    "average_pool": AveragePooling,
    "concatenate": Concatenation,
    "conv2d": Convolution,
    "dense": Dense,
    "depthwise_conv2d": DepthwiseConvolution,
    "max_pool": MaxPooling,
    "pad": Padding,
    "requantize": Requantization,
    "reshape": Reshaping,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def kind_of(operation: Operation) -> str:
    """Returns what an operation is called in files.

    Args:
        operation: of a program.
    """
    return _NAMES[type(operation)]


def write_program(program: Program, path: str | os.PathLike[str]) -> None:
    """Writes a program; the bytes are the same for the same program.

    Args:
        program: checked.
        path: of the file.
    """
    arrays: dict[str, np.ndarray] = {}
    header = {
        "format": FORMAT,
        "version": VERSION,
        "rounding": program.rounding,
        "inputs": program.inputs,
        "outputs": program.outputs,
        "tensors": [dataclasses.asdict(each) for each in program.tensors.values()],
        "operations": [_described(each, arrays) for each in program.operations],
    }
    text = np.frombuffer(json.dumps(header).encode(), np.uint8)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, array in {_HEADER: text, **arrays}.items():
            # A fixed date: the same program makes the same file.
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), _as_npy(array))


def read_program(path: str | os.PathLike[str]) -> Program:
    """Returns the program of a file, checked.

    Args:
        path: of the file.

    Raises:
        DataError: for a file that is missing, broken, of another kind or version, or whose program cannot be run.
    """
    try:
        arrays = _arrays(pathlib.Path(path))
        program = _program(json.loads(arrays.pop(_HEADER).tobytes().decode()), arrays)
        program.check()
    except DataError as error:
        raise DataError(f"{os.fspath(path)}: {error}") from error
    except (OSError, EOFError, zipfile.BadZipFile, NotImplementedError, RecursionError) as error:
        raise DataError(f"{os.fspath(path)}: no file that can be read: {error}") from error
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise DataError(f"{os.fspath(path)}: the program in it is not as it should be: {error!r}") from error
    return program


def _described(operation: Operation, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """Returns an operation as values that JSON can hold, and adds its arrays to those of the file."""
    described: dict[str, Any] = {"kind": kind_of(operation)}
    for field in dataclasses.fields(operation):
        value = getattr(operation, field.name)
        if isinstance(value, np.ndarray):
            name = f"a{len(arrays)}"
            arrays[name] = value
            value = {"array": name}
        described[field.name] = value
    return described


def _as_npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    np.lib.format.write_array(buffer, little, version=(1, 0), allow_pickle=False)
    return buffer.getvalue()


def _arrays(path: pathlib.Path) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        if len(entries) > _MOST_ENTRIES or len({entry.filename for entry in entries}) != len(entries):
            raise DataError(f"expected at most {_MOST_ENTRIES} entries, each once. Received: {len(entries)}.")
        # Stored entries cannot grow when they are read, and must all find room in the file.
        stored = all(entry.compress_type == zipfile.ZIP_STORED for entry in entries)
        if not stored or sum(entry.file_size for entry in entries) > path.stat().st_size:
            raise DataError("expected entries that are stored, not compressed.")
        return {entry.filename.removesuffix(".npy"): _array(archive.read(entry), entry.filename) for entry in entries}


def _array(data: bytes, name: str) -> np.ndarray:
    buffer = io.BytesIO(data)
    if np.lib.format.read_magic(buffer) != (1, 0):
        raise DataError(f"{name}: expected version 1.0 of NumPy's format.")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(buffer)
    if dtype.name not in _DTYPES or fortran or dtype.byteorder == ">":
        raise DataError(f"{name}: expected an array of {', '.join(_DTYPES)} in C order. Received: {dtype}.")
    count, left = int(np.prod([int(each) for each in shape], dtype=object)), len(data) - buffer.tell()
    if count * dtype.itemsize != left:
        raise DataError(f"{name}: shape {shape} needs {count * dtype.itemsize} bytes. Received: {left}.")
    return np.frombuffer(data, dtype, count, buffer.tell()).reshape(shape)


def _program(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Program:
    if header["format"] != FORMAT or header["version"] != VERSION:
        raise DataError(
            f"expected `{FORMAT}` of version {VERSION}. Received: `{header['format']}` of version {header['version']}."
        )
    tensors = [_codes(each) for each in header["tensors"]]
    if len({each.name for each in tensors}) != len(tensors):
        raise DataError("tensors: expected names that are there once.")
    return Program(
        tensors={each.name: each for each in tensors},
        operations=tuple(_operation(each, arrays) for each in header["operations"]),
        inputs=_texts(header["inputs"]),
        outputs=_texts(header["outputs"]),
        rounding=header["rounding"],
    )


def _codes(values: Mapping[str, Any]) -> Codes:
    return Codes(
        name=_text(values["name"]),
        shape=_whole_numbers(values["shape"]),
        low=_whole(values["low"]),
        high=_whole(values["high"]),
        scale=float(values["scale"]),
        zero_point=_whole(values["zero_point"]),
    )


def _operation(values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Operation:
    kind = _KINDS[values["kind"]]
    read: dict[str, Any] = {"name": _text(values["name"]), "output": _text(values["output"])}
    read["inputs"] = _texts(values["inputs"])
    for field in dataclasses.fields(kind):
        if field.name in read:
            continue
        value = values[field.name]
        if field.type is np.ndarray:
            read[field.name] = arrays[value["array"]]
        elif field.type is int:
            read[field.name] = _whole(value)
        else:
            read[field.name] = _whole_numbers(value)
    lengths = {"limits": 2, "strides": 2, "dilation": 2, "window": 2, "margins": 4}
    for name, length in lengths.items():
        if len(read.get(name, range(length))) != length:
            raise DataError(f"{read['name']}: `{name}` has {length} numbers. Received: {read[name]}.")
    return kind(**read)


def _whole(value: Any) -> int:
    if type(value) is not int or abs(value) >= 1 << 31:
        raise DataError(f"expected a whole number of 32 bits. Received: {value!r}.")
    return value


def _whole_numbers(values: Any) -> tuple[int, ...]:
    return tuple(_whole(each) for each in values)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 1024:
        raise DataError(f"expected a name. Received: {value!r}.")
    return value


def _texts(values: Any) -> tuple[str, ...]:
    return tuple(_text(each) for each in values)
