"""Tests of the ways to round and of the random numbers behind one of them."""

import keras
import numpy as np
import pytest

from source.config.errors import ConfigError
from source.numeric import _counter, rounding


def integers(x: list[float], way: str, seed: int | None = None) -> list[float]:
    return np.asarray(rounding.to_integers(keras.ops.convert_to_tensor(np.float32(x)), way, seed)).tolist()


def test_ways():
    x = [0.5, 1.5, -0.5, -1.2, 2.0]
    assert integers(x, "nearest") == [0, 2, 0, -1, 2]
    assert integers(x, "up") == [1, 2, 0, -1, 2]
    assert integers(x, "down") == [0, 1, -1, -2, 2]


def test_stochastic_rounding_is_right_on_average():
    x = np.full(40000, -1.3, np.float32).tolist()
    found = np.asarray(integers(x, "stochastic", 5))
    assert set(found.tolist()) == {-2.0, -1.0}
    # Four standard deviations: 4 * sqrt(0.3 * 0.7 / 40000).
    assert abs(found.mean() + 1.3) < 0.0092


def test_whole_numbers_are_not_drawn():
    assert integers([3.0] * 1000, "stochastic", 1) == [3.0] * 1000


def test_random_numbers_are_fixed_for_all_time():
    like = keras.ops.zeros((2, 2), "float32")
    found = np.asarray(_counter.uniform(like, 7)) * 2**24
    assert found.tolist() == GOLDEN


def mix(x: int) -> int:
    """Returns the hash as its author writes it."""
    x = (x ^ x >> 16) * 0x7FEB352D & 0xFFFFFFFF
    x = (x ^ x >> 15) * 0x846CA68B & 0xFFFFFFFF
    return x ^ x >> 16


GOLDEN = [[float(mix(row * 2 + column ^ mix(7)) >> 8) for column in range(2)] for row in range(2)]


def test_random_numbers_are_even_and_differ_between_seeds():
    like = keras.ops.zeros((100000,), "float32")
    first, second = (np.asarray(_counter.uniform(like, seed)) for seed in (0, 1))
    counts = np.histogram(first, 10, (0, 1))[0]
    assert abs(counts - 10000).max() < 4 * np.sqrt(9000)  # four standard deviations of a count
    assert abs(np.corrcoef(first, second)[0, 1]) < 4 / np.sqrt(100000)
    assert first.max() < 1.0


def test_large_and_negative_seeds_are_taken():
    like = keras.ops.zeros((3,), "float32")
    assert np.array_equal(_counter.uniform(like, -1), _counter.uniform(like, (1 << 40) - 1))


def test_underflow_keeps_the_sign_for_directions():
    x = keras.ops.convert_to_tensor(np.float32([2.0**-126, -(2.0**-126), 1e-40, 0.0, np.nan]))
    scaled = np.asarray(rounding.scale(x, 2.0**-20, "up"))
    assert np.array_equal(scaled, np.float32([2.0**-100, -(2.0**-100), 0, 0, np.nan]), equal_nan=True)


def test_letters():
    assert [rounding.letter(way) for way in rounding.LETTERS.values()] == ["N", "S", "U", "D"]
    assert rounding.suffix("nearest") == ""
    assert rounding.suffix("down") == "(D)"


def test_an_unknown_way_offers_the_nearest():
    with pytest.raises(ConfigError, match=r"Received: rounding='stochastik'. Did you mean `stochastic`?"):
        rounding.check_rounding("stochastik")
