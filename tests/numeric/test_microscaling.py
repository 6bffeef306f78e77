"""Tests of the microscaling formats, with the elements and scales of `ml_dtypes` as their witness."""

import ml_dtypes
import numpy as np
import pytest

from source.config.errors import ConfigError
from source.numeric import number_format
from source.numeric.microscaling import Microscaling
from tests.numeric.formats import normal_numbers

ELEMENTS = {
    "mxfp8_e4m3": (ml_dtypes.float8_e4m3fn, 8, 448),
    "mxfp8_e5m2": (ml_dtypes.float8_e5m2, 15, 57344),
    "mxfp6_e3m2": (ml_dtypes.float6_e3m2fn, 4, 28),
    "mxfp6_e2m3": (ml_dtypes.float6_e2m3fn, 2, 7.5),
    "mxfp4": (ml_dtypes.float4_e2m1fn, 2, 6),
}


@pytest.mark.parametrize("name", ELEMENTS)
def test_blocks_equal_those_of_the_specification(name):
    element, highest, largest = ELEMENTS[name]
    x = normal_numbers((64, 32)) * np.exp2(np.arange(64, dtype=np.float32) - 32)[:, np.newaxis]
    scale = np.exp2(np.frexp(np.abs(x).max(axis=1, keepdims=True))[1] - 1.0 - highest).astype(np.float32)
    expected = np.clip(x / scale, -largest, largest).astype(element).astype(np.float32) * scale
    assert np.array_equal(number_format(name).round(x), expected)


@pytest.mark.parametrize("name", ELEMENTS)
def test_codes_are_scales_and_elements_of_the_witness(name):
    element, highest, _ = ELEMENTS[name]
    numeric = number_format(name)
    x = numeric.round(normal_numbers((32,)) + 3.0)
    scale = np.float32(2.0 ** (np.frexp(np.abs(x).max())[1] - 1 - highest))
    data = numeric.encode(x)
    assert data[:1] == np.float32([scale]).astype(ml_dtypes.float8_e8m0fnu).tobytes()
    if numeric.bits == 8:
        assert data[1:] == (x / scale).astype(element).tobytes()


def test_mxint8_ends_at_127_sixty_fourths():
    numeric = number_format("mxint8")
    x = np.float32([1.9999, -1.9999, 0.5, 1 / 64])
    assert numeric.round(x).tolist() == [1.984375, -1.984375, 0.5, 1 / 64]
    assert np.array_equal(numeric.round(normal_numbers()), number_format("BFP[8|8]{32}(SN)").round(normal_numbers()))


@pytest.mark.parametrize(
    ("rule", "largest", "scale"),
    [
        ("floor", 6.5, 1.0),
        ("ceil", 6.5, 2.0),
        ("even", 6.5, 1.0),
        ("fit", 6.5, 2.0),
        ("ceil", 4.0, 1.0),
        ("even", 7.0, 2.0),
        ("fit", 6.0, 1.0),
        ("floor", 7.99, 1.0),
    ],
)
def test_scale_rules(rule, largest, scale):
    numeric = Microscaling(2, 1, 2, rule)
    assert numeric.encode(np.float32([largest, 0.0]))[0] == 127 + np.log2(scale)


def test_just_below_a_power_of_two_the_exponent_is_the_lower_one():
    below = np.nextafter(np.float32(2.0), np.float32(0))
    assert number_format("mxfp4").encode(np.float32([below]))[0] == 127 - 2


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("MXFP8[E3M4]{32}", "Elements of MXFP are E4M3, E5M2, E3M2, E2M3, E2M1. Received: E3M4."),
        ("MXFP6[E4M3]{32}", "A sign, 4 and 3 bits are 8 bits. Received: 6."),
        ("MXINT17{32}", r"`mantissa` of MXINT must be in \[0, 14\]. Received: mantissa=15."),
    ],
)
def test_impossible_formats_are_refused(name, message):
    with pytest.raises(ConfigError, match=message):
        number_format(name)


def test_an_unknown_rule_offers_the_nearest():
    with pytest.raises(
        ConfigError, match=r"`scale_rule` is unknown. Received: scale_rule='flor'. Did you mean `floor`?"
    ):
        Microscaling(2, 1, scale_rule="flor")
