"""Reads the scalars of a TensorBoard event file without TensorFlow; a damaged end is reported, not fatal.

An event file is a TFRecord file of `Event` protocol buffers. A record is the length of the data (8 bytes, little
endian), a checksum of the length, the data, and a checksum of the data; a checksum is CRC-32C (RFC 3720, B.4), rotated
and added to a constant, 4 bytes. The fields that are read stand in tensorflow/core/util/event.proto and
tensorflow/core/framework/summary.proto.
"""

import dataclasses
import pathlib
import struct
from collections.abc import Iterator

from source.command.record import _wire
from source.config.errors import DataError

_HEAD = struct.Struct("<QI")
_CHECKSUM = struct.Struct("<I")
_START = 1  # SessionLog.START
_FLOAT, _DOUBLE, _INT32, _INT64 = 1, 2, 3, 9  # DataType of a TensorProto
_FORMS = {_FLOAT: "<f", _DOUBLE: "<d", _INT32: "<i", _INT64: "<q"}
_VALUES = {_FLOAT: 5, _DOUBLE: 6, _INT32: 7, _INT64: 10}  # the fields float_val, double_val, int_val, int64_val


@dataclasses.dataclass(frozen=True)
class Point:
    """One value of a scalar.

    Attributes:
        tag: name of the scalar.
        step: training steps done.
        value: a float32 is the number of the fewest digits that rounds to it.
        seconds: since 1970.
    """

    tag: str
    step: int
    value: float
    seconds: float


@dataclasses.dataclass(frozen=True)
class Restart:
    """A run went on from a checkpoint: points at this step and behind it that were read before do not count.

    Attributes:
        step: the first that is written anew.
    """

    step: int


@dataclasses.dataclass(frozen=True)
class EventFile:
    """What was read of one file.

    Attributes:
        path: of the file.
        entries: points and restarts in their order.
        fault: what is wrong with the file, and where; None for a whole one.
    """

    path: pathlib.Path
    entries: tuple[Point | Restart, ...]
    fault: str | None = None


def read_event_file(path: pathlib.Path) -> EventFile:
    """Returns the scalars of a file up to its end, or to the first record that is damaged.

    Args:
        path: of the file.

    Raises:
        DataError: if the file cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}.") from error
    entries: list[Point | Restart] = []
    try:
        for start, record in _records(data):
            try:
                entries += _entries(record)
            except (_wire.WireError, struct.error, UnicodeDecodeError) as error:
                raise _wire.WireError(f"the record at byte {start} is no event") from error
    except _wire.WireError as error:
        return EventFile(path, tuple(entries), f"{path}: {error}; what stands before is kept.")
    return EventFile(path, tuple(entries))


def checksum(data: bytes) -> int:
    """Returns the masked CRC-32C of a record's part: rotate(crc, 15 bits right) + 0xa282ead8, modulo 2^32.

    Args:
        data: the part.
    """
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def _table() -> tuple[int, ...]:
    """Returns the CRC of every byte; 0x82f63b78 is the polynomial of CRC-32C with its bits reversed."""
    rows = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
        rows.append(byte)
    return tuple(rows)


_TABLE = _table()


def _records(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yields the place and the data of each record."""
    place = 0
    while place < len(data):
        if len(data) - place < _HEAD.size:
            raise _wire.WireError(f"the file ends within the record at byte {place}")
        length, expected = _HEAD.unpack_from(data, place)
        if checksum(data[place : place + 8]) != expected:
            raise _wire.WireError(f"the record at byte {place} is damaged in its length")
        begin, end = place + _HEAD.size, place + _HEAD.size + length
        if end + _CHECKSUM.size > len(data):
            raise _wire.WireError(f"the file ends within the record at byte {place}")
        record = data[begin:end]
        if checksum(record) != _CHECKSUM.unpack_from(data, end)[0]:
            raise _wire.WireError(f"the record at byte {place} is damaged in its data")
        yield place, record
        place = end + _CHECKSUM.size


def _entries(record: bytes) -> list[Point | Restart]:
    """Returns what an `Event` says: wall_time 1, step 2, summary 5, session_log 7."""
    event = _wire.last_of_each(record)
    step = _wire.signed(event.get(2, 0))
    if 7 in event and _wire.last_of_each(_wire.block(event[7])).get(1) == _START:
        return [Restart(step)]
    seconds = struct.unpack("<d", _wire.block(event[1]))[0] if 1 in event else 0.0
    found: list[Point | Restart] = []
    for number, summary in _wire.fields(record):
        if number == 5:
            found += _points(_wire.block(summary), step, seconds)
    return found


def _points(summary: bytes, step: int, seconds: float) -> Iterator[Point]:
    """Yields the scalars of a `Summary`: value 1; of a value: tag 1, simple_value 2, tensor 8, metadata 9."""
    for number, each in _wire.fields(summary):
        if number != 1:
            continue
        value = _wire.last_of_each(_wire.block(each))
        scalar = _scalar(value)
        if 1 in value and scalar is not None:
            yield Point(_wire.block(value[1]).decode(), step, scalar, seconds)


def _scalar(value: _wire.Fields) -> float | None:
    if 2 in value:
        return _shortest(struct.unpack("<f", _wire.block(value[2]))[0])
    if 8 in value and _plugin(value) in (None, b"scalars"):
        return _of_tensor(_wire.block(value[8]))
    return None


def _plugin(value: _wire.Fields) -> bytes | None:
    """Returns plugin_data 1 . plugin_name 1 of the metadata, which TensorBoard shows the value with."""
    metadata = _wire.last_of_each(_wire.block(value.get(9, b"")))
    data = _wire.last_of_each(_wire.block(metadata.get(1, b"")))
    return _wire.block(data[1]) if 1 in data else None


def _of_tensor(tensor: bytes) -> float | None:
    """Returns the number of a `TensorProto` without dimensions: dtype 1, tensor_shape 2, tensor_content 4, ..._val."""
    fields = _wire.last_of_each(tensor)
    dtype = fields.get(1)
    if not isinstance(dtype, int) or dtype not in _FORMS or _wire.block(fields.get(2, b"")):
        return None
    given = fields.get(4, fields.get(_VALUES[dtype], b""))
    if isinstance(given, int):  # one number, not packed
        return float(_wire.signed(given))
    if 4 not in fields and dtype in (_INT32, _INT64):
        return float(_wire.packed_integer(given)) if given else 0.0
    number = struct.unpack(_FORMS[dtype], given)[0] if given else 0.0
    return _shortest(number) if dtype == _FLOAT else float(number)


def _shortest(number: float) -> float:
    """Returns the number of the fewest decimal digits that rounds to this float32; nine always do."""
    for digits in range(6, 9):
        short = float(f"{number:.{digits}g}")
        try:
            if struct.pack("<f", short) == struct.pack("<f", number):
                return short
        except OverflowError:  # rounded up beyond the largest float32
            continue
    return float(f"{number:.9g}")
