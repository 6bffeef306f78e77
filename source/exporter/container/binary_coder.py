"""Bits by their probability: an adaptive binary arithmetic coder, as in LZMA and CABAC.

Each context has a probability that the next bit is one, in 1/2^28, and learns from every bit: with weight
1 / (n + 1.5) after n bits, at least 1 / 2^14. All arithmetic is on integers, so every machine reads the same
bits. An interval [low, high] of 32 bits is cut at low + (high - low) / 65536 * p; the top byte leaves when both ends
agree in it (Rissanen and Langdon, 1979, https://doi.org/10.1147/rd.232.0149).
"""

_BITS = 28  # of a probability; a cut takes the upper 16
_STEADY = (1 << 14) - 2  # bits after which a probability follows at a constant rate
_LEAST = 8  # no bit is more certain than 1 - 8 / 65536: one that is wrong then costs 13 bits
RATES = [(1 << 25) // (2 * seen + 3) for seen in range(_STEADY + 1)]


class Context:
    """A probability that learns.

    Attributes:
        one: that the next bit is one, in 1/2^28.
        seen: bits, at most 16382.
    """

    __slots__ = ("one", "seen")

    def __init__(self) -> None:
        self.one = 1 << _BITS - 1
        self.seen = 0

    def learn(self, bit: int) -> None:
        """Moves the probability towards a bit.

        Args:
            bit: 0 or 1.
        """
        self.one += ((1 << _BITS if bit else 0) - self.one) * RATES[self.seen] >> 24
        if self.seen < _STEADY:
            self.seen += 1


class Coder:
    """What encoder and decoder are to a model: `code` is given a bit, or gives it."""

    def __init__(self) -> None:
        self._low = 0
        self._high = 0xFFFFFFFF

    def code(self, context: Context, bit: int) -> int:
        """Returns the bit: the given one when writing, the next one when reading.

        Args:
            context: of the bit; it learns.
            bit: to write; of no meaning when reading.
        """
        raise NotImplementedError

    def _cut(self, context: Context) -> int:
        """Returns the last number of the part of the interval that means one."""
        one = context.one >> _BITS - 16
        one = _LEAST if one < _LEAST else 65536 - _LEAST if one > 65536 - _LEAST else one
        return self._low + (self._high - self._low >> 16) * one


class Encoder(Coder):
    """Writes bits."""

    def __init__(self) -> None:
        super().__init__()
        self._out = bytearray()

    def code(self, context: Context, bit: int) -> int:
        """Writes a bit and returns it."""
        cut = self._cut(context)
        if bit:
            self._high = cut
        else:
            self._low = cut + 1
        context.learn(bit)
        while (self._low ^ self._high) < 1 << 24:
            self._out.append(self._high >> 24)
            self._low = self._low << 8 & 0xFFFFFFFF
            self._high = self._high << 8 & 0xFFFFFFFF | 0xFF
        return bit

    def finish(self) -> bytes:
        """Returns all bytes: as few more as name a number in the interval; zeros at the end are left out."""
        for count in range(5):
            keep = 32 - 8 * count
            number = (self._low + (1 << keep) - 1) >> keep << keep
            if number <= self._high:
                self._out += number.to_bytes(4, "big")[:count]
                break
        return bytes(self._out).rstrip(b"\0")


class Decoder(Coder):
    """Reads bits; behind the last byte there are zeros without end."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._data = data
        self._at = 4
        self._number = int.from_bytes(data[:4].ljust(4, b"\0"), "big")

    def code(self, context: Context, bit: int) -> int:
        """Returns the next bit."""
        cut = self._cut(context)
        bit = 1 if self._number <= cut else 0
        if bit:
            self._high = cut
        else:
            self._low = cut + 1
        context.learn(bit)
        while (self._low ^ self._high) < 1 << 24:
            self._low = self._low << 8 & 0xFFFFFFFF
            self._high = self._high << 8 & 0xFFFFFFFF | 0xFF
            byte = self._data[self._at] if self._at < len(self._data) else 0
            self._number = self._number << 8 & 0xFFFFFFFF | byte
            self._at += 1
        return bit
