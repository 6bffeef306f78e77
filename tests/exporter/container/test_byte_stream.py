"""Tests of numbers of a variable number of bytes and of the cursor that checks every length."""

import pytest

from source.config.errors import DataError
from source.exporter.container.byte_stream import Cursor, unzigzag, varint, zigzag


@pytest.mark.parametrize(
    ("number", "written"),
    [(0, "00"), (127, "7f"), (128, "8001"), (300, "ac02"), (16384, "808001"), (2**63 - 1, "ff" * 8 + "7f")],
)
def test_a_number_takes_seven_bits_a_byte(number, written):
    assert varint(number).hex() == written
    assert Cursor(bytes.fromhex(written), "file").varint() == number


def test_zigzag_counts_up_and_down_in_turn():
    assert [zigzag(each) for each in (0, -1, 1, -2, 2)] == [0, 1, 2, 3, 4]
    assert [unzigzag(zigzag(each)) for each in (-70000, 70000)] == [-70000, 70000]


def test_nothing_is_read_beyond_the_end():
    cursor = Cursor(b"abc", "m.esp")
    assert cursor.take(2) == b"ab"
    with pytest.raises(DataError, match=r"^m\.esp: 2 bytes are announced where 1 are left\. The file is broken: take"):
        cursor.take(2)
    assert cursor.rest() == b"c"
    with pytest.raises(DataError, match="1 bytes are announced where 0 are left"):
        cursor.byte()


def test_what_is_left_over_is_refused():
    cursor = Cursor(b"\x01ab", "m.esp")
    assert cursor.part().rest() == b"a"
    with pytest.raises(DataError, match="1 bytes are left over"):
        cursor.end()


def test_a_number_without_end_is_refused():
    with pytest.raises(DataError, match="a number has more than nine bytes"):
        Cursor(b"\xff" * 20, "m.esp").varint()
