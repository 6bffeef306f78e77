"""Tests of codebooks, NF4 and k-means."""

import numpy as np
import pytest
import scipy.stats

from source.config.errors import ConfigError, DataError
from source.numeric import number_format
from source.numeric.codebook import Codebook, NormalFloat4, k_means


def test_a_middle_goes_to_the_even_position():
    numeric = Codebook((0.0, 1.0, 2.0, 3.0))
    assert numeric.round(np.float32([0.5, 1.5, 2.5, 0.51, -9, 9])).tolist() == [0, 2, 2, 1, 0, 3]


def test_codes_are_positions():
    assert Codebook((-1.0, 0.0, 0.25)).encode(np.float32([0.25, -1, 0, 0.25])) == bytes([0b10010010])


def test_many_numbers_are_searched():
    numbers = tuple(np.sort(np.random.default_rng(0).normal(size=300)).tolist())
    x = np.random.default_rng(1).normal(size=(20, 30)).astype(np.float32)
    table = np.float32(numbers)
    expected = table[np.abs(x[..., np.newaxis].astype(np.float64) - table).argmin(axis=-1)]
    assert np.array_equal(Codebook(numbers).round(x), expected)


def test_nf4_holds_quantiles_of_the_normal_distribution():
    # QLoRA's construction: 8 numbers above zero, 7 below, the ends at a mean quantile of 15 and 16 parts.
    offset = (1 - 1 / 32 + 1 - 1 / 30) / 2
    above = scipy.stats.norm.ppf(np.linspace(offset, 0.5, 9)[:-1])
    below = -scipy.stats.norm.ppf(np.linspace(offset, 0.5, 8)[:-1])
    expected = np.sort(np.concatenate([above, [0.0], below])) / above.max()
    np.testing.assert_allclose(NormalFloat4().values(), expected, atol=1e-6)  # published in float32


def test_nf4_scales_with_the_block():
    numeric = NormalFloat4(2)
    x = np.float32([4, 1.0, -8, 0])
    assert np.array_equal(numeric.round(x), np.float32([4, numeric.values()[10] * np.float32(4), -8, 0]))
    assert numeric.encode(x) == np.float32([4, 8]).tobytes() + bytes([0xAF, 0x70])


def test_k_means_finds_clusters():
    x = np.concatenate([np.full(50, -1.0), np.full(30, 0.25), np.full(20, 2.0)]).astype(np.float32)
    assert k_means(x, 3) == Codebook((-1.0, 0.25, 2.0))
    assert k_means(x, 8) == Codebook((-1.0, 0.25, 2.0))  # empty clusters vanish


def test_k_means_is_better_than_even_steps():
    x = np.random.default_rng(0).normal(size=2000).astype(np.float32)
    even = Codebook(tuple(np.linspace(x.min(), x.max(), 16).tolist()))
    assert np.square(k_means(x, 16).round(x) - x).mean() < 0.8 * np.square(even.round(x) - x).mean()


def test_k_means_may_start_among_the_numbers():
    # One round: from 0 and 10 the border is 5; from the quantiles 0.15 and 1.15 it is 0.65.
    x = np.float32([0, 0.1, 0.2, 1, 1.1, 1.2, 10])
    assert k_means(x, 2, 1).round(x).tolist() == [np.mean(x[:6])] * 6 + [10]
    assert k_means(x, 2, 1, start="density").numbers == pytest.approx((0.1, 3.325))
    drawn = [k_means(x, 2, 1, start="random", seed=seed).numbers for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    # Both quantiles are zero.
    assert k_means(np.float32([0] * 9 + [1]), 2, start="density").numbers == (0.0, 1.0)


def test_k_means_refuses_what_has_no_clusters():
    with pytest.raises(ConfigError, match=r"`count` must be at least 2. Received: count=1."):
        k_means(np.arange(9.0), 1)
    for x in ([1.0, 1.0], [1.0, np.nan], []):
        with pytest.raises(DataError, match=r"k-means needs finite numbers, at least two different ones."):
            k_means(np.asarray(x), 4)


@pytest.mark.parametrize("numbers", [(1.0,), (1.0, 0.0), (0.0, np.inf), (1.0, 1.0 + 1e-12)])
def test_what_is_no_codebook_is_refused(numbers):
    with pytest.raises(ConfigError, match=r"2 to 4096 different finite numbers in ascending order. Received:"):
        Codebook(numbers)


def test_subnormal_numbers_are_refused():
    with pytest.raises(ConfigError, match=r"no numbers below 2\^-126 but zero. Received:"):
        Codebook((0.0, 1e-40, 1.0))


def test_a_codebook_without_a_tie_keeps_its_name():
    assert str(number_format("codebook<0.1,0.2>")) == "codebook<0.1,0.2>"
