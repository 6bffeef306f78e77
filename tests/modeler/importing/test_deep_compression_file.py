"""Tests of networks that Deep Compression coded."""

import numpy as np
import pytest

from source.modeler.importing import deep_compression_file

TEXT = """input: "data" input_dim: 1 input_dim: 2 input_dim: 4 input_dim: 4
layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { num_output: 2 kernel_size: 3 } }"""
CODEBOOK = np.arange(256, dtype="<f4")
BIAS = np.float32([0.5, -0.5])


def write(folder, codes, gaps, count=None, more=b""):
    (folder / "net.prototxt").write_text(TEXT)
    content = np.uint32(len(codes) if count is None else count).tobytes() + CODEBOOK.tobytes() + BIAS.tobytes()
    (folder / "net.net").write_bytes(content + bytes(codes) + bytes(gaps) + more)
    return folder / "net.net"


def test_gaps_count_zeros_and_code_0_bridges_long_ones(tmp_path):
    # 3 zeros, weight 7; 15 zeros and a bridge, which is zero itself; 2 zeros, weight 9. Low halves come first.
    read = deep_compression_file.read(write(tmp_path, [7, 0, 9], [0xF3, 0x02]))
    weights = read["c.weight"]
    assert weights.shape == (2, 2, 3, 3)
    assert {place: weights.ravel()[place] for place in np.flatnonzero(weights)} == {3: 7, 22: 9}
    np.testing.assert_array_equal(read["c.bias"], BIAS)


def test_a_broken_file_says_what_is_wrong(tmp_path):
    with pytest.raises(ValueError, match=r"c: the codes needs 4,000,000,000 bytes, and 2 are left"):
        deep_compression_file.read(write(tmp_path, [1], [0], count=4_000_000_000))
    with pytest.raises(ValueError, match="c: a weight lies at 47 of 36"):
        deep_compression_file.read(write(tmp_path, [1, 1, 1], [0xFF, 0x0F]))
    with pytest.raises(ValueError, match="3 bytes behind the last convolution belong to none"):
        deep_compression_file.read(write(tmp_path, [1], [0], more=bytes(3)))
    (tmp_path / "net.prototxt").unlink()
    with pytest.raises(
        ValueError, match=r"expected one \.prototxt file beside it, which names its layers. Received: 0"
    ):
        deep_compression_file.read(tmp_path / "net.net")


def test_a_real_file_is_decoded_to_its_last_byte(data_folder):
    read = deep_compression_file.read(
        data_folder / "pretrained" / "squeezenet_deep_compression" / "compressed_SqueezeNet.net"
    )
    assert sum(array.size for array in read.values()) == 1_248_424
