"""Numbers of a variable number of bytes, and bytes that are read with every length checked."""

from source.config.errors import DataError

_MOST_SHIFT = 56  # nine bytes: 63 bits


def varint(number: int) -> bytes:
    """Returns a number in as few bytes as it needs: seven bits a byte, the lowest first; the last has no top bit.

    Args:
        number: at least 0, below 2^63.
    """
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def zigzag(number: int) -> int:
    """Returns 0, 1, 2, 3, 4 for 0, -1, 1, -2, 2.

    Args:
        number: with a sign.
    """
    return 2 * number if number >= 0 else -2 * number - 1


def unzigzag(number: int) -> int:
    """Returns the number whose `zigzag` is given.

    Args:
        number: at least 0.
    """
    return number >> 1 if number % 2 == 0 else -(number >> 1) - 1


class Cursor:
    """Bytes, read from front to back; nothing beyond the end is ever read.

    Attributes:
        name: what the bytes are, for messages.
    """

    def __init__(self, data: bytes, name: str) -> None:
        self._data = data
        self._at = 0
        self.name = name

    def wrong(self, what: str) -> DataError:
        """Returns the error to raise for bytes that make no sense.

        Args:
            what: is wrong.
        """
        return DataError(f"{self.name}: {what}. The file is broken: take a good copy, or export the model again.")

    def take(self, count: int) -> bytes:
        """Returns the next bytes.

        Args:
            count: how many.

        Raises:
            DataError: if there are fewer.
        """
        if not 0 <= count <= len(self._data) - self._at:
            raise self.wrong(f"{count} bytes are announced where {len(self._data) - self._at} are left")
        self._at += count
        return self._data[self._at - count : self._at]

    def byte(self) -> int:
        """Returns the next byte as a number."""
        return self.take(1)[0]

    def varint(self) -> int:
        """Returns the next number that `varint` wrote."""
        number, shift = 0, 0
        while (byte := self.byte()) > 0x7F:
            number |= (byte & 0x7F) << shift
            shift += 7
            if shift > _MOST_SHIFT:
                raise self.wrong("a number has more than nine bytes")
        return number | byte << shift

    def part(self) -> "Cursor":
        """Returns a cursor over the next bytes, whose count stands before them."""
        return Cursor(self.take(self.varint()), self.name)

    def rest(self) -> bytes:
        """Returns all bytes that are left."""
        return self.take(len(self._data) - self._at)

    def end(self) -> None:
        """Refuses bytes that are left over.

        Raises:
            DataError: if there are any.
        """
        if self._at != len(self._data):
            raise self.wrong(f"{len(self._data) - self._at} bytes are left over")
