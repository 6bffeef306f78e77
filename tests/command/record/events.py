"""Event files, written byte by byte for tests."""

import pathlib
import struct

from source.command.record.event_file import checksum


def record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", checksum(length)) + data + struct.pack("<I", checksum(data))


def varint(number: int) -> bytes:
    number &= 0xFFFFFFFFFFFFFFFF
    digits = []
    while True:
        digits.append(number & 0x7F | (0x80 if number > 0x7F else 0))
        number >>= 7
        if not number:
            return bytes(digits)


def block(number: int, data: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(data)) + data


def event(step: int, *fields: bytes) -> bytes:
    return record(b"\x09" + struct.pack("<d", 1000.0 + step) + b"\x10" + varint(step) + b"".join(fields))


def scalar(step: int, tag: str, value: float) -> bytes:
    """Returns the record of one scalar in `simple_value`."""
    return event(step, block(5, block(1, block(1, tag.encode()) + b"\x15" + struct.pack("<f", value))))


def tensor(step: int, tag: str, proto: bytes, plugin: str = "scalars") -> bytes:
    """Returns the record of one tensor."""
    metadata = block(9, block(1, block(1, plugin.encode())))
    return event(step, block(5, block(1, block(1, tag.encode()) + block(8, proto) + metadata)))


def restart(step: int) -> bytes:
    return event(step, block(7, b"\x08\x01"))


def write(folder: pathlib.Path, *records: bytes, name: str = "events.out.tfevents.1") -> pathlib.Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(b"".join([event(0, block(3, b"brain.Event:2")), *records]))
    return path
