"""Tests of limits from counts: percentiles, the least squared error, and the least divergence."""

import numpy as np
import pytest

from source.numeric import number_format
from source.numeric.calibration_histogram import LeastDivergence, LeastError, Percentile

FORMATS = ["int4", "uint4", "int8", "XP[4,0](CSN)", "fixed<4,1>", "fp8_e4m3fn", "fp4_e2m1", "pow2<4>", "log<4,1>"]


def batches() -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [(random.normal(size=(50, 40)) * scale).astype(np.float32) for scale in (0.1, 1.0, 0.5)]


def with_outlier() -> np.ndarray:
    return np.append(np.random.default_rng(1).normal(size=20000), 30.0).astype(np.float32)


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
    [counts] = observer._channels
    assert counts.counts.sum() == 30
    assert counts.counts.max() == 10


@pytest.mark.parametrize("name", FORMATS)
def test_the_least_error_is_found(name):
    numeric, x = number_format(name), with_outlier()
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


def divergence(counts: np.ndarray, kept: int, levels: int) -> float:
    """Returns the divergence as TensorRT's slides have it: the first bins, in groups of equal length."""
    p = counts[:kept].astype(np.float64)
    q = np.zeros(kept)
    for group in np.array_split(np.arange(kept), levels):
        filled = group[counts[group] > 0]
        q[filled] = counts[group].sum() / max(1, filled.size)
    p[-1] += counts[kept:].sum()
    p, q = p / p.sum(), q / q.sum()
    return float(np.sum(p * np.log(p / q)))


def test_the_divergence_is_that_of_the_slides():
    # The limit of candidate k covers the first k bins, four of which go to each of its steps' numbers.
    random = np.random.default_rng(2)
    counts = np.append(random.integers(50, 500, 64), [3, 1, 1, 2])
    kept = np.asarray([16, 32, 48, 64])

    def round_within(x, low, high):
        steps = np.clip(np.floor(x[..., 0:1] * 4096 / (kept / 4)), 0, 3)
        return np.where(x > 0, (steps + 0.5) * kept / 4, 0).clip(0, kept - 0.25) / 4096 + 0 * high

    observer = LeastDivergence(round_within, candidates=4)
    rounded = round_within(((np.arange(68) + 0.5) / 4096)[:, np.newaxis], 0, np.ones(4))
    centres = (np.arange(68) + 0.5) / 4096
    found = observer._costs(centres, counts, rounded, np.zeros(4), kept / 4096)
    np.testing.assert_allclose(found, [divergence(counts, each, 4) for each in kept], rtol=1e-12)  # float64 sums


@pytest.mark.parametrize("name", FORMATS)
def test_least_divergence_cuts_outliers_off(name):
    numeric, x = number_format(name), with_outlier()
    observer = LeastDivergence(numeric.round_within)
    observer.observe(x)
    low, high = observer.limits()
    assert np.isfinite([low, high]).all()
    assert high > 0.5
    if name.startswith(("int", "XP", "fixed")):  # even steps that are few enough to feel an outlier
        assert high < (30 if name == "int8" else 15)


def test_numbers_of_one_sign_and_few_numbers_have_a_divergence():
    for x in (np.abs(with_outlier()), -np.abs(with_outlier()), np.zeros(3), np.asarray([1.0]), np.asarray([1.0, -5.0])):
        for name in ("int8", "uint8", "FP[0|4|4,7]", "linear_mid_tread_half<2,2>"):
            observer = LeastDivergence(number_format(name).round_within, candidates=10)
            observer.observe(x)
            low, high = observer.limits()
            assert low <= high


def test_zeros_do_not_count_for_the_divergence():
    x = np.random.default_rng(3).normal(size=4000)
    numbers = (x, np.maximum(x, 0.0), np.append(np.maximum(x, 0.0), np.zeros(100_000)))
    limits = []
    for each in numbers:
        observer = LeastDivergence(number_format("uint8").round_within)
        observer.observe(each)
        limits.append(observer.limits())
    assert limits[1] == limits[2]
    assert limits[1][1] >= 0.5 * x.max()


def test_numbers_far_from_zero_are_not_cut_off_for_the_divergence():
    # Limits that leave one bin of 10,000 numbers inside change its distribution in nothing.
    x = np.random.default_rng(4).normal(50.0, 1.0, 10_000)
    observer = LeastDivergence(number_format("uint8").round_within)
    observer.observe(x)
    assert observer.limits()[1] >= np.percentile(x, 99)
