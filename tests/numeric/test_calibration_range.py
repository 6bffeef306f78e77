"""Tests of limits from the ends of batches."""

import numpy as np

from source.numeric import number_format
from source.numeric.calibration_range import MinMax, MovingAverage


def batches() -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [(random.normal(size=(50, 40)) * scale).astype(np.float32) for scale in (0.1, 1.0, 0.5)]


def ends_of(x: np.ndarray, axis: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    observer = MinMax(axis)
    observer.observe(x)
    return observer.limits()


def test_min_max_of_a_tensor_and_of_channels():
    whole, channels = MinMax(), MinMax(axis=-1)
    for batch in batches():
        whole.observe(batch)
        channels.observe(batch)
    every = np.concatenate(batches())
    assert whole.limits() == (every.min(), every.max())
    assert np.array_equal(channels.limits()[0], every.min(axis=0, keepdims=True))
    assert channels.limits()[1].shape == (1, 40)


def test_moving_average():
    observer = MovingAverage(momentum=0.75)
    for batch in ([-1.0, 2.0], [-3.0, 4.0], [1.0, 0.0]):
        observer.observe(np.asarray(batch))
    assert observer.limits() == (-1.125, 2.125)  # -1, -1.5, -1.125 and 2, 2.5, 2.125


def test_limits_of_the_numbers_themselves_round_as_without_limits():
    x = batches()[1]
    for name in ("int8", "int4", "uint8", "uint4"):
        numeric = number_format(name)
        assert np.array_equal(numeric.round_within(x, *ends_of(x)), numeric.round(x))
    channels = number_format("uint8<channel>")
    assert np.array_equal(channels.round_within(x, *ends_of(x, -1)), channels.round(x))
