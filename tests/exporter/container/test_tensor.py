"""Tests of tensors as bytes: each form by hand, what is found in the numbers, and that every bit comes back."""

import numpy as np
import pytest

from source.config.errors import DataError
from source.exporter.container import tensor

DRAW = np.random.default_rng(17)
SPECIAL = np.array([0, 0x80000000, 0x7FC00001, 0xFFC00000, 0x7F800000, 0xFF800000, 1, 0x80000001], np.uint32)


def bits(values):
    return np.asarray(values, np.float32).view(np.uint32)


def decode(data, shape, dtype="float32"):
    return tensor.decode(data, dtype, shape, "m.esp: w")


def rounded(shape, most, axis=-1):
    lengths = [1] * len(shape)
    lengths[axis] = shape[axis]
    scale = DRAW.lognormal(size=lengths).astype(np.float32)
    return (DRAW.integers(-most, most + 1, shape).astype(np.float32) * scale).astype(np.float32)


def some(kind):
    """Returns a tensor of a kind."""
    normal = DRAW.normal(size=(3, 3, 8, 16)).astype(np.float32)
    return {
        "scalar": np.float32(0.1),
        "empty": np.zeros((0, 3), np.float32),
        "constant": np.full((5, 7), 1.5, np.float32),
        "random": normal,
        "sparse": np.where(DRAW.random(normal.shape) < 0.1, normal, 0),
        "bfloat16": (normal.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32),
        "float16": normal.astype(np.float16).astype(np.float32),
        "one scale": DRAW.integers(-7, 8, (40, 30)).astype(np.float32) * np.float32(0.013),
        "scales": rounded((3, 3, 8, 16), 7),
        "depthwise": rounded((3, 3, 32, 1), 7, axis=-2),
        "signed zeros": rounded((200, 16), 3) * np.float32(-1),
        "clustered": DRAW.normal(size=16).astype(np.float32)[DRAW.integers(0, 16, (60, 50))],
        "clustered channels": np.stack([DRAW.normal(size=3)[DRAW.integers(0, 3, 90)] for _ in range(9)], 1),
        "special": SPECIAL.view(np.float32),
        "many special": SPECIAL[DRAW.integers(0, 8, (30, 20))].view(np.float32),
        "special in channels": SPECIAL[DRAW.integers(0, 8, (300, 2))].view(np.float32),
    }[kind].astype(np.float32)


@pytest.mark.parametrize(
    ("kind", "coding"),
    [
        ("scalar", "raw: same"),
        ("empty", "raw"),
        ("constant", "raw: same"),
        ("random", "raw: planes"),
        ("sparse", "sparse: "),
        ("bfloat16", "raw: planes"),
        ("float16", "raw: planes"),
        ("one scale", "grid: "),
        ("scales", "grid, axis -1: "),
        ("depthwise", "grid, axis -2: "),
        ("signed zeros", "grid, axis -1: "),
        ("clustered", "table: "),
        ("clustered channels", "channel tables: "),
        ("special", "raw: "),
        ("many special", "table: "),
        ("special in channels", ""),
    ],
)
@pytest.mark.parametrize("slow", [True, False])
def test_the_structure_is_found_and_every_bit_comes_back(kind, coding, slow):
    values = bits(some(kind))
    data = tensor.encode(values, "float32", slow)
    np.testing.assert_array_equal(decode(data, values.shape), values)
    assert tensor.coding_of(data).startswith(coding)


def test_a_constant_is_its_number():
    assert tensor.encode(bits(np.full((3, 4), 1.0)), "float32").hex() == "0001" + "0000803f"


def test_a_grid_by_hand():
    # Form 3, one scale (0); 6 bytes of codes of 3 bits from -2 (zigzag 3) on: 0 5 2 1; the scale 0.5, once.
    data = bytes.fromhex("03 00 05 0103032804 01 0000003f".replace("2804", "a802"))
    np.testing.assert_array_equal(decode(data, (4,)).view(np.float32), [-1.0, 1.5, 0.0, -0.5])


def test_a_grid_of_channels_with_negative_zeros_by_hand():
    # Scales along the last axis (1) and signs of zeros (4); codes -1, 0, 0, 1 from -1 on in 2 bits; signs 1, 0.
    data = bytes.fromhex("03 05 04 01020194 04 01010001 00 0000803f 00000040")
    expected = bits([[-1.0, -0.0], [0.0, 2.0]])
    np.testing.assert_array_equal(decode(data, (2, 2)), expected)


def test_a_sparse_tensor_by_hand():
    data = bytes.fromhex("01 04 0101000a 00 0000803f 00000040")
    np.testing.assert_array_equal(decode(data, (4,)).view(np.float32), [0.0, 1.0, 0.0, 2.0])


def test_a_table_by_hand():
    # Codes -1, 0, 1: below, at and above +0 in the table of -1, 0 and 3.
    data = bytes.fromhex("02 04 01020124 03 00 000080bf 00000000 00004040")
    np.testing.assert_array_equal(decode(data, (3,)).view(np.float32), [-1.0, 0.0, 3.0])


def test_tables_of_channels_by_hand():
    # Codes -1 0, 0 1; both channels have two numbers, the constant 2 (zigzag 4): -1 and 0, and 0 and 3.
    data = bytes.fromhex("04 04 01020194 02 0004 00 000080bf 00000000 00000000 00004040")
    np.testing.assert_array_equal(decode(data, (2, 2)).view(np.float32), [[-1.0, 0.0], [0.0, 3.0]])


@pytest.mark.parametrize("dtype", sorted(tensor.SIZES))
def test_every_dtype_comes_back(dtype):
    unsigned = f"u{tensor.SIZES[dtype]}"
    values = DRAW.integers(0, 2 if dtype == "bool" else 100, (12, 11)).astype(unsigned)
    values[3] = 0
    data = tensor.encode(values, dtype)
    np.testing.assert_array_equal(decode(data, (12, 11), dtype), values)


def test_four_bits_take_less_than_four_bits():
    draw = np.random.default_rng(5)
    values = np.clip(np.rint(draw.normal(size=(3, 3, 64, 64)) * 2), -7, 7).astype(np.float32) * np.float32(0.02) + 0
    shares = np.unique(values, return_counts=True)[1] / values.size
    entropy = -values.size * (shares * np.log2(shares)).sum() / 8
    # Learning the law takes some 0.5 % for this many numbers, with what it draws from chance in 64 channels; the scale
    # 5 bytes, the frame of the tensor 5.
    assert entropy * 0.999 < len(tensor.encode(bits(values), "float32")) < entropy * 1.01 + 10


def test_a_tensor_is_described_in_bits():
    described = tensor.Description("a/kernel", "float32", (4, 4), "grid", 6)
    assert described.bits == 3.0


@pytest.mark.parametrize(
    ("data", "shape", "message"),
    [
        ("05", (2,), "there is no form 5 of float32"),
        ("03 00 00", (0, 2), "grid of no element"),
        ("03 02 02 0000 01 0000803f", (2,), r"there is no grid 2 of 1 axes"),
        ("03 03 02 0000 01 0000803f", (2, 2), r"there is no grid 3 of 2 axes"),
        ("03 00 05 0080808010 01 0000803f", (2,), "a code of a grid has at most 24 bits"),
        ("02 02 0000 00", (2,), "a table of 0 numbers is no table"),
        ("02 02 0008 02 00 00000000 0000803f", (2,), "a code names no number of a table of 2"),
        ("04 02 0000 02 0002 00 00000000", (1,), "1 axes have no channels"),
        ("04 02 0000 02 0000 00 00000000", (1, 1), "the table of a channel has 1 to 256 numbers"),
        ("04 02 0004 02 0002 01 00000000", (1, 1), "a code names no number of its channel's table"),
    ],
)
def test_broken_bytes_are_refused(data, shape, message):
    with pytest.raises(DataError, match=f"^m\\.esp: w: .*{message}"):
        decode(bytes.fromhex(data), shape)


def test_a_grid_is_one_of_floats():
    with pytest.raises(DataError, match="there is no form 3 of int32"):
        decode(bytes.fromhex("03 00 02 0000 01 0000803f"), (2,), "int32")
