"""Tests of numbers in contexts."""

import numpy as np
import pytest

from source.exporter.container import context_model
from source.exporter.container.binary_coder import Context, Encoder


@pytest.mark.parametrize("shape", [(1, 1), (7, 3), (60, 20)])
@pytest.mark.parametrize("most", [1, 7, 127, 2**32 - 1])
def test_numbers_come_back(shape, most):
    numbers = np.random.default_rng(3).integers(-most, most + 1, (4, *shape)).reshape(-1)
    data = context_model.encode(numbers, shape[1], shape[0])
    np.testing.assert_array_equal(context_model.decode(data, len(numbers), shape[1], shape[0]), numbers)


def test_a_number_is_zero_flag_sign_length_and_lower_bits():
    coder = Encoder()
    # -6 is 110 in binary: not zero, negative, longer than 1, longer than 2, not longer than 3, then 1 and 0.
    for bit in (1, 1, 1, 1, 0, 1, 0):
        coder.code(Context(), bit)
    assert context_model.encode(np.array([-6]), 1, 1) == coder.finish()


def test_contexts_find_channels_that_differ():
    draw = np.random.default_rng(4)
    dead = (draw.random(64) < 0.5)[:, np.newaxis] & (draw.random((288, 64, 1)) < 2)[0]
    numbers = np.where(dead.T, 0, draw.integers(-7, 8, (288, 64))).reshape(-1)
    alive = np.count_nonzero(~dead) * 288
    size = len(context_model.encode(numbers, 64, 288))
    # log2(15) = 3.91 bits for each number of a channel that lives, and little for those that do not.
    assert size < alive * 3.907 / 8 * 1.03


def test_any_bytes_are_some_numbers():
    found = context_model.decode(bytes(range(255, 155, -1)), 500, 10, 5)
    assert found.shape == (500,) and np.abs(found).max() < 2**32
