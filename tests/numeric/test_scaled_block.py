"""Tests of scaled block floating point."""

import numpy as np
import pytest

from source.config.errors import ConfigError, DataError
from source.numeric import number_format
from source.numeric.fixed_point import FixedPoint
from source.numeric.minifloat import Minifloat
from source.numeric.scaled_block import ScaledBlock
from tests.numeric.formats import normal_numbers

SCALER = Minifloat(4, 4, 7, signed=False, flush=True)


@pytest.mark.parametrize("legacy", [False, True])
def test_blocks_equal_the_formula(legacy):
    x = normal_numbers((40, 16)) * 4
    exact = np.abs(x).max(axis=1, keepdims=True) / np.float32(7)
    scale = SCALER.round(exact)
    integers = np.clip(np.rint(x / (exact if legacy else scale)), -7, 7)
    numeric = ScaledBlock(FixedPoint(4), SCALER, 16, legacy)
    assert np.array_equal(numeric.round(x), integers * scale)


def test_dividing_by_the_stored_scale_is_more_exact():
    x = normal_numbers((40, 64))
    errors = [np.square(number_format(f"SBFP12_16{end}").round(x) - x).mean() for end in ("", "_10")]
    assert np.isclose(*errors)
    legacy = number_format("SBFP<XP[4,0](CSN)><FP[0|4|4,7](FN)>{16}(legacy)")
    assert np.square(legacy.round(x) - x).mean() > errors[0]


def test_blocks_below_the_range_of_scales_are_zero():
    x = np.float32([0.1, -0.05])
    assert not number_format("SBFP12_16").round(x).any()
    assert number_format("SBFP12_16_10").round(x).all()


def test_the_alias_counts_eight_bits_of_scale():
    assert number_format("SBFP12_16").bytes_per_element() == 0.5625


def test_nan_has_no_code():
    with pytest.raises(DataError, match=r"has no code for NaN. Received: 1 blocks with NaN."):
        number_format("SBFP12_16").encode(np.float32([np.nan, 1]))


@pytest.mark.parametrize(
    ("element", "scaler", "message"),
    [
        (FixedPoint(4, 1), SCALER, r"symmetric integers .* Received: `XP\[4,\+1\]\(CSN\)`."),
        (FixedPoint(4), Minifloat(4, 4, rounding="up"), r"rounds to nearest. Received: `FP\[1\|4\|4,7\]\(_U\)`."),
    ],
)
def test_impossible_formats_are_refused(element, scaler, message):
    with pytest.raises(ConfigError, match=message):
        ScaledBlock(element, scaler, 16)
