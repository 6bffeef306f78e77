"""Tests of NVFP4."""

import ml_dtypes
import numpy as np
import pytest

from source.config.errors import ConfigError
from source.numeric import number_format
from source.numeric.nvfp4 import NVFP4
from tests.numeric.formats import normal_numbers


def test_blocks_equal_the_formula_with_elements_of_the_witness():
    x = normal_numbers((8, 64)).reshape(-1, 16)
    tensor = np.abs(x).max() / np.float32(6 * 448)
    block = np.abs(x).max(axis=1, keepdims=True) / np.float32(6) / tensor
    block = np.clip(block, 2.0**-6, 448).astype(ml_dtypes.float8_e4m3fn).astype(np.float32)
    scale = block * tensor
    scaled = np.clip(x * (np.float32(1) / scale), -6, 6)
    expected = scaled.astype(ml_dtypes.float4_e2m1fn).astype(np.float32) * scale
    assert np.array_equal(number_format("nvfp4").round(x.reshape(8, 64)), expected.reshape(8, 64))


def test_without_the_tensors_scale():
    numeric = number_format("NVFP4{16}(1)")
    assert numeric.round(np.float32([6, 5.1, 0.3, -12 * 448])).tolist() == [0, 0, 0, -2688]
    assert numeric.round(np.float32([6, 5.1, 0.3, -12])).tolist() == [6, 6, 0, -12]
    assert numeric.encode(np.float32([6, -0.5])) == bytes([0x38, 0x97])


def test_codes_begin_with_the_tensors_scale():
    data = NVFP4().encode(np.float32([2688, 0.0]))
    assert data == np.float32([1.0]).tobytes() + bytes([0x7E, 0x07])


def test_a_tensor_of_zeros_stays():
    assert not NVFP4().round(np.zeros((3, 20), np.float32)).any()


def test_nan_spoils_its_block_alone():
    x = normal_numbers((2, 32))
    x[0, 3] = np.nan
    assert np.isnan(NVFP4().round(x)).sum() == 16


def test_impossible_formats_are_refused():
    with pytest.raises(ConfigError, match=r"positive block size. Received: -16."):
        NVFP4(-16)
