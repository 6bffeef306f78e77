"""Tests of bit patterns as bytes."""

import numpy as np
import pytest

from source.config.errors import DataError
from source.exporter.container import patterns
from source.exporter.container.byte_stream import Cursor


def decode(data, count, dtype="u4"):
    return patterns.decode(Cursor(data, "m.esp"), count, np.dtype(dtype)).tolist()


def test_patterns_by_hand():
    assert patterns.encode(np.array([1, 0x3F800000], np.uint32)).hex() == "00" + "01000000" + "0000803f"
    assert patterns.encode(np.full(9, 0x3F800000, np.uint32)).hex() == "01" + "0000803f"
    assert patterns.encode(np.zeros(0, np.uint32)) == b""
    # Planes, the highest byte first: the constant 0x3f, the codes 0x80 and 0x81 of one bit, and twice the constant 0.
    planes = "02" + "02007e" + "050101800202" + "020000" + "020000"
    assert decode(bytes.fromhex(planes), 2) == [0x3F800000, 0x3F810000]


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "u8"])
@pytest.mark.parametrize("slow", [True, False])
def test_patterns_come_back(dtype, slow):
    values = np.random.default_rng(13).integers(0, 1 << 8 * np.dtype(dtype).itemsize - 1, 300).astype(dtype)
    assert decode(patterns.encode(values, slow), 300, dtype) == values.tolist()


def test_floats_of_half_the_precision_take_half_the_bytes():
    values = np.random.default_rng(14).normal(size=3000).astype(np.float32)
    half = (values.view(np.uint32) >> 16 << 16).astype(np.uint32)
    assert len(patterns.encode(half, slow=False)) < 3000 * 2
    assert len(patterns.encode(values.view(np.uint32), slow=False)) < 3000 * 4 * 0.95  # sign and exponent


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("03", "there is no way 3 to write bit patterns"),
        ("00 0000", "8 bytes are announced where 2 are left"),
        ("01 00000000 00", "1 bytes are left over"),
        ("02 03 00 8004 02 0000 02 0000 02 0000", r"a byte must be in \[0, 256\)"),
    ],
)
def test_broken_bytes_are_refused(data, message):
    with pytest.raises(DataError, match=message):
        decode(bytes.fromhex(data), 2)


def test_bytes_for_no_pattern_are_refused():
    with pytest.raises(DataError, match="1 bytes are left over"):
        decode(b"\0", 0)
