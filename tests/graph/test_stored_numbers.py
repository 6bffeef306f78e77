"""Tests of how the numbers of a weight can be stored."""

import numpy as np
import pytest

from source.graph.stored_numbers import StoredNumbers, stored_numbers


def numbers(codes, scales):
    return np.asarray(codes, np.float32) * np.asarray(scales, np.float32)


def drawn(*shape):
    return np.random.default_rng(3).normal(size=shape).astype(np.float32)


def test_numbers_without_any_order_stay_float32():
    assert stored_numbers(drawn(30, 20), -1) == StoredNumbers(32, 2400, "float32")


def test_numbers_of_other_types_stay_as_they_are():
    assert stored_numbers(np.zeros((3, 4), np.int32)) == StoredNumbers(32, 48, "int32")
    assert stored_numbers(np.ones((3, 4), np.float16), -1) == StoredNumbers(16, 24, "float16")


@pytest.mark.parametrize(("largest", "bits"), [(1, 2), (3, 3), (7, 4), (127, 8)])
def test_integers_with_a_scale_for_each_channel_are_found(largest, bits):
    codes = np.random.default_rng(1).integers(-largest, largest + 1, (60, 4))
    codes[0] = largest
    found = stored_numbers(numbers(codes, [0.3, 0.7, 1.1, 0.01]), -1)
    # 240 codes and four scales of 4 bytes; ternary numbers as a bitmap and the codes of the others.
    kept = 30 + -(-np.count_nonzero(codes) * bits // 8)
    assert found == StoredNumbers(bits, min(240 * bits // 8, kept) + 16, f"int{bits}")


def test_one_scale_for_all_channels_is_preferred():
    codes = np.random.default_rng(1).integers(-7, 8, (60, 4))
    codes[0] = 7
    assert stored_numbers(numbers(codes, 0.3), -1) == StoredNumbers(4, 120 + 4, "int4")


def test_two_signs_take_one_bit():
    signs = np.where(drawn(64, 2) > 0, 1, -1)
    assert stored_numbers(numbers(signs, [0.5, 0.25]), -1) == StoredNumbers(1, 16 + 8, "int1")


def test_few_numbers_make_a_table():
    powers = np.exp2(np.random.default_rng(1).integers(-15, 1, (50, 20)).astype(np.float32))
    assert stored_numbers(powers, -1) == StoredNumbers(4, 500 + 64, "table of 16")


def test_sparse_numbers_are_kept_with_a_bitmap():
    weight = drawn(100, 8)
    weight[5:] = 0
    assert stored_numbers(weight, -1) == StoredNumbers(32, 5 * 8 * 4 + 100, "float32")


def test_without_channels_integers_are_not_looked_for():
    assert stored_numbers(numbers([1, 2, 3, 4], 0.5)) == StoredNumbers(32, 16, "float32")
