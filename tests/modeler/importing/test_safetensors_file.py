"""Tests of arrays read out of `.safetensors` files, written here byte by byte."""

import json

import numpy as np
import pytest

from source.modeler.importing import safetensors_file


def write(path, header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes((len(text) if length is None else length).to_bytes(8, "little") + text + data)
    return path


def entry(begin, end, shape, kind="F32"):
    return {"dtype": kind, "shape": shape, "data_offsets": [begin, end]}


def test_arrays_come_by_name_in_the_order_of_their_bytes(tmp_path):
    kernel, count = np.arange(6, dtype="<f4").reshape(2, 3), np.int64(7)
    header = {"n": entry(24, 32, [], "I64"), "__metadata__": {"format": "pt"}, "w": entry(0, 24, [2, 3])}
    read = safetensors_file.read(write(tmp_path / "w.safetensors", header, kernel.tobytes() + count.tobytes()))
    assert list(read) == ["w", "n"]
    np.testing.assert_array_equal(read["w"], kernel)
    assert (read["n"], read["n"].dtype) == (7, np.int64)


def test_bfloat16_becomes_the_float32_of_the_same_value(tmp_path):
    header = {"w": entry(0, 6, [3], "BF16")}
    data = np.array([0x3FC0, 0xC000, 0x7F80], "<u2").tobytes()
    read = safetensors_file.read(write(tmp_path / "w.safetensors", header, data))
    np.testing.assert_array_equal(read["w"], np.float32([1.5, -2, np.inf]))


@pytest.mark.parametrize(
    ("header", "data", "message"),
    [
        ({"w": entry(0, 8, [2])}, bytes(4), r"w of type F32 and shape \(2,\) does not fit bytes 0 to 8 of 4"),
        ({"w": entry(0, 4, [2])}, bytes(4), r"shape \(2,\) does not fit bytes 0 to 4"),
        ({"w": entry(0, 2**50, [2**48])}, bytes(4), "does not fit bytes 0 to 1,125,899,906,842,624 of 4"),
        ({"w": entry(4, 8, [1])}, bytes(8), "w begins at byte 4; the arrays before it end at 0"),
        ({"w": entry(0, 8, [2]), "v": entry(4, 8, [1])}, bytes(8), "v begins at byte 4; the arrays before it end at 8"),
        ({"w": entry(0, 4, [1])}, bytes(6), "2 bytes behind the last array belong to none"),
        ({"w": entry(0, 4, [1], "F8_E4M3")}, bytes(4), "w: expected a type among F64, F32, .* Received: 'F8_E4M3'"),
        ({"w": entry(0, 4, [-1])}, bytes(4), r"expected lengths and two rising offsets. Received: \[-1\]"),
        ({"w": entry(4, 0, [1])}, bytes(4), "expected lengths and two rising offsets"),
        ({"w": entry(0, 4, [True])}, bytes(4), "expected lengths and two rising offsets"),
        ({"w": {"dtype": "F32"}}, b"", "w: expected dtype, shape and data_offsets"),
        ([], b"", "its header is no mapping of arrays"),
        (b"{no json", b"", "Expecting property name"),
        (b"\xff\xff", b"", "its header is no JSON text"),
        (b'{"w": 1, "w": 2}', b"", "two arrays called w"),
        (b"[" * 100_000, b"", "its header is no JSON text"),
    ],
)
def test_a_broken_file_says_what_is_wrong(tmp_path, header, data, message):
    with pytest.raises(ValueError, match=message):
        safetensors_file.read(write(tmp_path / "w.safetensors", header, data))


@pytest.mark.parametrize("content", [b"", b"1234567", (2**40).to_bytes(8, "little") + b"{}"])
def test_a_header_that_is_longer_than_the_file_is_refused(tmp_path, content):
    (tmp_path / "w.safetensors").write_bytes(content)
    with pytest.raises(ValueError, match=r"its header claims .* bytes, and the file has"):
        safetensors_file.read(tmp_path / "w.safetensors")
