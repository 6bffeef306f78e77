"""The wire format of protocol buffers (https://protobuf.dev/programming-guides/encoding), as much as scalars need."""

from collections.abc import Iterator

Fields = dict[int, int | bytes]
_LENGTHS = {1: 8, 5: 4}  # wire types of fixed size


class WireError(ValueError):
    """Bytes that are no message."""


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yields number and value of each field: an integer for a varint, bytes for everything else.

    Args:
        message: serialized.

    Raises:
        WireError: if it is none.
    """
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        number, kind = key >> 3, key & 7
        if number == 0:
            raise WireError("a field has no number")
        if kind == 0:
            value, place = _varint(message, place)
            yield number, value
            continue
        if kind == 2:
            length, place = _varint(message, place)
        elif kind in _LENGTHS:
            length = _LENGTHS[kind]
        else:
            raise WireError(f"there is no wire type {kind} here")
        if place + length > len(message):
            raise WireError("a field is longer than its message")
        yield number, message[place : place + length]
        place += length


def last_of_each(message: bytes) -> Fields:
    """Returns the last value of each field, the one that counts where a field is not repeated.

    Args:
        message: serialized.

    Raises:
        WireError: if it is none.
    """
    return dict(fields(message))


def block(value: int | bytes) -> bytes:
    """Returns a value that has to be bytes.

    Args:
        value: of a field.

    Raises:
        WireError: if it is a varint.
    """
    if isinstance(value, int):
        raise WireError("expected bytes, found a number")
    return value


def signed(value: int | bytes) -> int:
    """Returns a varint as int64.

    Args:
        value: of a field.

    Raises:
        WireError: if it is no varint.
    """
    if not isinstance(value, int):
        raise WireError("expected a number, found bytes")
    return value - (1 << 64) if value >= 1 << 63 else value


def packed_integer(values: bytes) -> int:
    """Returns the first integer of a packed field.

    Args:
        values: varints, one after the other.

    Raises:
        WireError: if there is none.
    """
    return signed(_varint(values, 0)[0])


def _varint(message: bytes, place: int) -> tuple[int, int]:
    """Returns a number of seven bits a byte, lowest first, and the place behind it."""
    number = 0
    for shift in range(0, 70, 7):
        if place >= len(message):
            break
        byte = message[place]
        number |= (byte & 0x7F) << shift
        place += 1
        if byte < 0x80:
            return number & 0xFFFFFFFFFFFFFFFF, place
    raise WireError("a number does not end")
