"""Tests of calibration."""

import numpy as np
import pytest

from source.config.errors import ConfigError, DataError
from source.numeric import number_format
from source.numeric.calibration import LeastError, MinMax, MovingAverage, Percentile


def batches() -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [(random.normal(size=(50, 40)) * scale).astype(np.float32) for scale in (0.1, 1.0, 0.5)]


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


def test_percentiles_are_right_to_a_bin():
    observer = Percentile(90.0)
    for batch in batches():
        observer.observe(batch)
    low, high = observer.limits()
    inside = np.sort(np.concatenate(batches()).ravel())[300:-300]  # of 6000, half of the rest on each side
    width = 4 / 4096  # the largest magnitude lies between 2 and 4
    assert 0 <= inside[0] - low <= width
    assert 0 <= high - inside[-1] <= width


def test_all_numbers_are_a_hundred_percent():
    observer = Percentile(100.0)
    observer.observe(np.float32([-0.75, 0.0, 1.5]))
    assert observer.limits() == (-0.75, np.float32(1.5 + 2 / 4096))


def test_a_growing_range_keeps_the_counts():
    observer = Percentile(50.0)
    for number in (0.001, -7.0, 300.0):
        observer.observe(np.full(10, number))
    assert observer._counts.sum() == 30
    assert observer._counts.max() == 10


@pytest.mark.parametrize("name", ["int4", "uint4", "int8"])
def test_the_least_error_is_found(name):
    numeric = number_format(name)
    random = np.random.default_rng(1)
    x = np.append(random.normal(size=20000), 30.0).astype(np.float32)
    observer = LeastError(numeric.round_within)
    observer.observe(x)
    low, high = observer.limits()

    def error(low, high):
        return np.square(numeric.round_within(x, low, high).astype(np.float64) - x).sum()

    # Centres of bins stand for their numbers: a hundredth covers it.
    assert error(low, high) <= 1.01 * min(
        error(x.min() * share, x.max() * share) for share in np.arange(0.05, 1.01, 0.05)
    )
    assert high <= 30.01


def test_limits_of_the_numbers_themselves_round_as_without_limits():
    x = batches()[1]
    for name in ("int8", "int4", "uint8", "uint4"):
        numeric = number_format(name)
        assert np.array_equal(numeric.round_within(x, *ends_of(x)), numeric.round(x))
    channels = number_format("uint8<channel>")
    observer = MinMax(axis=-1)
    observer.observe(x)
    assert np.array_equal(channels.round_within(x, *observer.limits()), channels.round(x))


def ends_of(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    observer = MinMax()
    observer.observe(x)
    return observer.limits()


@pytest.mark.parametrize(
    "make", [MinMax, MovingAverage, Percentile, lambda: LeastError(number_format("int8").round_within)]
)
def test_the_life_of_an_observer(make):
    with pytest.raises(DataError, match=r"Calibration has seen no numbers: call `observe` first."):
        make().limits()
    observer = make()
    for bad in (np.zeros(0), np.asarray([1.0, np.nan])):
        with pytest.raises(DataError, match=r"Calibration needs finite numbers, at least one. Received: shape="):
            observer.observe(bad)
    observer.observe(np.asarray([1.0, -2.0]))
    observer.limits()
    with pytest.raises(DataError, match=r"Calibration has ended: limits were read. Use a new observer to begin again."):
        observer.observe(np.asarray([1.0]))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MovingAverage(1.0), r"`momentum` must be in \[0, 1\). Received: momentum=1.0."),
        (lambda: Percentile(0.0), r"`percent` must be in \(0, 100\]. Received: percent=0.0."),
        (
            lambda: LeastError(number_format("int8").round_within, 0),
            r"`candidates` must be positive. Received: candidates=0.",
        ),
    ],
)
def test_impossible_settings_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
