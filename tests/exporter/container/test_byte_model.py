"""Tests of bytes in contexts."""

import numpy as np

from source.exporter.container import byte_model
from source.exporter.container.binary_coder import Context, Encoder


def test_bytes_come_back():
    numbers = np.random.default_rng(5).integers(0, 256, 1000)
    np.testing.assert_array_equal(byte_model.decode(byte_model.encode(numbers), 1000), numbers)


def test_a_byte_is_eight_bits_the_highest_first():
    coder = Encoder()
    for bit in (1, 0, 1, 1, 1, 1, 0, 0):
        coder.code(Context(), bit)
    assert byte_model.encode(np.array([0xBC])) == coder.finish()


def test_frequent_bytes_take_less():
    numbers = np.random.default_rng(6).choice([60, 61, 188], 4000, p=[0.45, 0.45, 0.1])
    entropy = 4000 * (0.9 * np.log2(1 / 0.45) + 0.1 * np.log2(10)) / 8
    # The draw's own shares differ from those of the law by about 1/sqrt(4000) = 1.6 %.
    assert 0.97 * entropy < len(byte_model.encode(numbers)) < 1.05 * entropy
