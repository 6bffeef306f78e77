"""One tensor as bytes: what structure its numbers have is found, and the form with the fewest bytes is taken.

The first byte says which form: `FORMS`.
"""

import dataclasses
import functools
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from source.exporter.container import grid, integers, patterns
from source.exporter.container.byte_stream import Cursor, varint

FORMS = ("raw", "sparse", "table", "grid", "channel tables")
RAW, SPARSE, TABLE, GRID, CHANNEL_TABLES = range(len(FORMS))
# Bytes of an element. A bfloat16, which NumPy lacks, is read as the float32 of the same value.
SIZES = {
    "float64": 8,
    "float32": 4,
    "float16": 2,
    "bfloat16": 2,
    "bool": 1,
    **{f"{sign}int{8 * size}": size for sign in ("", "u") for size in (1, 2, 4, 8)},
}
_FLOATS = {"float64", "float32", "float16", "bfloat16"}
_MOST_ENTRIES = 4096  # of a table
_MOST_CHANNEL_ENTRIES = 256
_PROBED = 1 << 14
_NEAR, _NEAR_BYTES = 1.1, 64
_MUCH = 1.05  # elements for one that is not zero, from which it is tried to leave the zeros out
_AXES = (None, -1, -2)  # of the scales of a grid, by their number in the file
_SIGNED_ZEROS = 4
_Writer = Callable[[np.ndarray, int | None], bytes]


@dataclasses.dataclass(frozen=True)
class Description:
    """How a tensor is written.

    Attributes:
        path: the tensor's name.
        dtype: of its elements.
        shape: lengths of its axes.
        coding: form of the numbers, and coding of what it needs.
        bytes: that it takes in the file.
    """

    path: str
    dtype: str
    shape: tuple[int, ...]
    coding: str
    bytes: int

    @property
    def bits(self) -> float:
        """Bits of the file for one element."""
        return 8 * self.bytes / max(1, math.prod(self.shape))


def encode(tensor: np.ndarray, dtype: str, slow: bool = True) -> bytes:
    """Returns a tensor as few bytes.

    Args:
        tensor: bit patterns, as unsigned integers of the dtype's size.
        dtype: one of `SIZES`.
        slow: whether codings in contexts, which take some 2 microseconds an element, may be tried.
    """
    flat = tensor.reshape(-1)
    if len(flat) < 2 or (flat == flat[0]).all():
        return _raw(tensor, None)
    forms = [_raw, *_forms(tensor, dtype)]
    quick = [form(tensor, None) for form in forms]
    least = min(map(len, quick))
    found = [coded for coded in quick if len(coded) == least][:1]
    if slow:
        # Contexts change little between forms: those far behind without stay behind.
        near = [form for form, coded in zip(forms, quick, strict=True) if len(coded) <= _NEAR * least + _NEAR_BYTES]
        found += [form(tensor, integers.CONTEXT) for form in near]
    return min(found, key=len)


def decode(data: bytes, dtype: str, shape: Sequence[int], name: str) -> np.ndarray:
    """Returns the bit patterns of a tensor.

    Args:
        data: what `encode` returned.
        dtype: as in `encode`.
        shape: of the tensor.
        name: of file and tensor, for messages.

    Raises:
        DataError: for bytes that `encode` cannot have written.
    """
    cursor = Cursor(data, name)
    form = cursor.byte()
    if form >= len(FORMS) or (form == GRID and dtype != "float32") or (form > SPARSE and dtype not in _FLOATS):
        raise cursor.wrong(f"there is no form {form} of {dtype}")
    unsigned = np.dtype(f"u{SIZES[dtype]}")
    if form != RAW and not math.prod(shape):
        raise cursor.wrong(f"{FORMS[form]} of no element")
    if form == RAW:
        flat = patterns.decode(Cursor(cursor.rest(), name), math.prod(shape), unsigned)
    else:
        flat = _READERS[form](cursor, tuple(shape), unsigned)
    return flat.reshape(shape)


def coding_of(data: bytes) -> str:
    """Returns in words how a tensor is written, such as "grid, axis -1: context".

    Args:
        data: what `encode` returned.
    """
    cursor = Cursor(data, "a tensor")
    form = cursor.byte()
    if form == RAW:
        ways = cursor.rest()[:1]
        return ": ".join(["raw", *(patterns.WAYS[way] for way in ways if way < len(patterns.WAYS))])
    axis = cursor.byte() & 3 if form == GRID else 0
    words = [FORMS[form] if form < len(FORMS) else f"form {form}"] + ([f"axis {-axis}"] if axis else [])
    codings = cursor.take(cursor.varint())[:1]
    return ": ".join([", ".join(words), *(integers.CODINGS[each] for each in codings if each < len(integers.CODINGS))])


def _forms(tensor: np.ndarray, dtype: str) -> Iterator[_Writer]:
    """Yields how the tensor can be written, beside raw."""
    flat = tensor.reshape(-1)
    live = flat[flat != 0]
    if _MUCH * len(live) < len(flat):
        yield _sparse
    if dtype not in _FLOATS:
        return
    grids = list(_grids(tensor)) if dtype == "float32" else []
    yield from grids
    probe = live[:_PROBED]
    if len(np.unique(probe)) <= min(_MOST_ENTRIES, len(probe) // 2 + 1) and len(np.unique(flat)) <= _MOST_ENTRIES:
        yield _tabled
    if tensor.ndim > 1 and not grids and _channels_repeat(tensor):
        yield _channel_tables


def _raw(tensor: np.ndarray, slow: int | None) -> bytes:
    return bytes([RAW]) + patterns.encode(tensor.reshape(-1), slow is not None)


def _sparse(tensor: np.ndarray, slow: int | None) -> bytes:
    flat = tensor.reshape(-1)
    flags = integers.encode((flat != 0).astype(np.int64), *_layout(tensor.shape), slow=slow)
    return bytes([SPARSE]) + varint(len(flags)) + flags + patterns.encode(flat[flat != 0], slow is not None)


def _tabled(tensor: np.ndarray, slow: int | None) -> bytes:
    table, codes = _table(_ordered(tensor.reshape(-1)))
    coded = integers.encode(codes, *_layout(tensor.shape), slow=slow)
    numbers = patterns.encode(_unordered(table, tensor.dtype), slow is not None)
    return bytes([TABLE]) + varint(len(coded)) + coded + varint(len(table)) + numbers


def _grids(tensor: np.ndarray) -> Iterator[_Writer]:
    weights = tensor.view(np.float32)
    for number, axis in enumerate(_AXES):
        if axis is not None and (tensor.ndim < 2 or tensor.shape[axis] == 1):
            continue
        columns = weights.reshape(-1, 1) if axis is None else np.moveaxis(weights, axis, -1)
        scale = grid.scales(np.ascontiguousarray(columns).reshape(-1, columns.shape[-1]))
        if scale is not None:
            yield functools.partial(_gridded, number=number, scale=scale)


def _gridded(tensor: np.ndarray, slow: int | None, number: int, scale: np.ndarray) -> bytes:
    weights = tensor.view(np.float32)
    codes = grid.codes(weights, _spread(scale, _AXES[number], tensor.ndim)).reshape(-1)
    signs = tensor.reshape(-1)[codes == 0] != 0
    coded = integers.encode(codes, *_layout(tensor.shape), slow=slow)
    head = bytes([GRID, number | (_SIGNED_ZEROS if signs.any() else 0)]) + varint(len(coded)) + coded
    if signs.any():
        negative = integers.encode(signs.astype(np.int64), slow=slow)
        head += varint(len(negative)) + negative
    return head + patterns.encode(scale.view(np.uint32), slow is not None)


def _channels_repeat(tensor: np.ndarray) -> bool:
    """Whether no channel, along the last axis, has more different numbers than a table may have."""
    columns = tensor.reshape(-1, tensor.shape[-1])
    most = min(_MOST_CHANNEL_ENTRIES, max(2, len(columns) // 2))
    return all(len(np.unique(column)) <= most for column in columns.T)


def _channel_tables(tensor: np.ndarray, slow: int | None) -> bytes:
    columns = _ordered(tensor.reshape(-1)).reshape(-1, tensor.shape[-1])
    found = [_table(column) for column in columns.T]
    codes = np.stack([places for _, places in found], axis=1).reshape(-1)
    counts = integers.encode(np.array([len(table) for table, _ in found]), slow=slow)
    coded = integers.encode(codes, *_layout(tensor.shape), slow=slow)
    numbers = patterns.encode(_unordered(np.concatenate([table for table, _ in found]), tensor.dtype), slow is not None)
    return bytes([CHANNEL_TABLES]) + varint(len(coded)) + coded + varint(len(counts)) + counts + numbers


def _layout(shape: Sequence[int]) -> tuple[int, int]:
    """Returns columns and rows of the contexts: output and input channels of a kernel; (1, 1) of a vector."""
    if len(shape) < 2:
        return 1, 1
    return (shape[-2], 1) if shape[-1] == 1 else (shape[-1], shape[-2])


def _read_grid(cursor: Cursor, shape: tuple[int, ...], unsigned: np.dtype) -> np.ndarray:
    how = cursor.byte()
    if how & 3 >= len(_AXES) or how >= 2 * _SIGNED_ZEROS or len(shape) < (how & 3):
        raise cursor.wrong(f"there is no grid {how} of {len(shape)} axes")
    axis = _AXES[how & 3]
    codes = integers.decode(cursor.part(), math.prod(shape), *_layout(shape))
    if np.abs(codes).max(initial=0) >= 1 << 24:
        raise cursor.wrong("a code of a grid has at most 24 bits")
    zeros = np.flatnonzero(codes == 0)
    negative = integers.decode(cursor.part(), len(zeros)) if how & _SIGNED_ZEROS else np.zeros(0, np.int64)
    count = 1 if axis is None else shape[axis]
    scale = patterns.decode(Cursor(cursor.rest(), cursor.name), count, unsigned).view(np.float32)
    with np.errstate(all="ignore"):
        weights = codes.reshape(shape).astype(np.float32) * _spread(scale, axis, len(shape))
    flat = np.ascontiguousarray(weights).reshape(-1).view(np.uint32)
    flat[zeros[negative != 0] if len(negative) else zeros[:0]] = 0x80000000
    return flat


def _spread(scale: np.ndarray, axis: int | None, rank: int) -> np.ndarray:
    return scale if axis is None else scale.reshape([-1 if each == axis % rank else 1 for each in range(rank)])


def _read_sparse(cursor: Cursor, shape: tuple[int, ...], unsigned: np.dtype) -> np.ndarray:
    flags = integers.decode(cursor.part(), math.prod(shape), *_layout(shape))
    places = np.flatnonzero(flags)
    found = np.zeros(len(flags), unsigned)
    found[places] = patterns.decode(Cursor(cursor.rest(), cursor.name), len(places), unsigned)
    return found


def _ordered(flat: np.ndarray) -> np.ndarray:
    """Returns the patterns of floats as int64 in the order of the floats: 0 for +0, -1 for -0.

    The map is its own inverse on the patterns, seen as signed integers.
    """
    signed = flat.view(np.dtype(f"i{flat.dtype.itemsize}")).astype(np.int64)
    return np.where(signed < 0, signed ^ _magnitude(flat.dtype), signed)


def _unordered(ordered: np.ndarray, unsigned: np.dtype) -> np.ndarray:
    signed = np.where(ordered < 0, ordered ^ _magnitude(unsigned), ordered)
    return signed.astype(np.dtype(f"i{unsigned.itemsize}")).view(unsigned)


def _magnitude(unsigned: np.dtype) -> int:
    return (1 << 8 * unsigned.itemsize - 1) - 1


def _table(ordered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the different numbers in rising order, and for each its place, counted from that of +0."""
    table, places = np.unique(ordered, return_inverse=True)
    return table, places.reshape(-1) - np.searchsorted(table, 0)


def _read_table(cursor: Cursor, shape: tuple[int, ...], unsigned: np.dtype) -> np.ndarray:
    codes = integers.decode(cursor.part(), math.prod(shape), *_layout(shape))
    count = cursor.varint()
    if not 0 < count <= _MOST_ENTRIES:
        raise cursor.wrong(f"a table of {count} numbers is no table")
    table = patterns.decode(Cursor(cursor.rest(), cursor.name), count, unsigned)
    places = codes + np.searchsorted(_ordered(table), 0)
    if len(places) and (places.min() < 0 or places.max() >= count):
        raise cursor.wrong(f"a code names no number of a table of {count}")
    return table[places]


def _read_channel_tables(cursor: Cursor, shape: tuple[int, ...], unsigned: np.dtype) -> np.ndarray:
    if len(shape) < 2:
        raise cursor.wrong(f"{len(shape)} axes have no channels")
    codes = integers.decode(cursor.part(), math.prod(shape), *_layout(shape)).reshape(-1, shape[-1])
    counts = integers.decode(cursor.part(), shape[-1])
    if counts.min(initial=1) < 1 or counts.max(initial=1) > _MOST_CHANNEL_ENTRIES:
        raise cursor.wrong(f"the table of a channel has 1 to {_MOST_CHANNEL_ENTRIES} numbers")
    tables = patterns.decode(Cursor(cursor.rest(), cursor.name), int(counts.sum()), unsigned)
    starts = np.cumsum(counts) - counts
    negative = np.add.reduceat(_ordered(tables) < 0, starts, dtype=np.int64) if len(starts) else starts
    places = codes + negative
    if codes.size and (places.min() < 0 or (places >= counts).any()):
        raise cursor.wrong("a code names no number of its channel's table")
    return tables[places + starts].reshape(-1)


_READERS: dict[int, Callable[[Cursor, tuple[int, ...], np.dtype], np.ndarray]] = {
    SPARSE: _read_sparse,
    TABLE: _read_table,
    GRID: _read_grid,
    CHANNEL_TABLES: _read_channel_tables,
}
