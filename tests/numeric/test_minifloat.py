"""Tests of minifloats, bit for bit against the independent ones of `ml_dtypes`."""

import ml_dtypes
import numpy as np
import pytest

from source.config.errors import ConfigError, DataError
from source.numeric import number_format
from source.numeric.minifloat import Minifloat
from tests.numeric.formats import hard_numbers, normal_numbers

WITNESSES = {
    "fp8_e4m3fn": ml_dtypes.float8_e4m3fn,
    "fp8_e5m2": ml_dtypes.float8_e5m2,
    "fp8_e4m3": ml_dtypes.float8_e4m3,
    "fp8_e3m4": ml_dtypes.float8_e3m4,
    "fp6_e2m3": ml_dtypes.float6_e2m3fn,
    "fp6_e3m2": ml_dtypes.float6_e3m2fn,
    "fp4_e2m1": ml_dtypes.float4_e2m1fn,
    "fp16_e5m10": np.float16,
    "fp16_e8m7": ml_dtypes.bfloat16,
}


def without_subnormal(x: np.ndarray) -> np.ndarray:
    return np.where(np.abs(x) < 2.0**-126, np.float32(0.0), x)


@pytest.mark.parametrize("name", WITNESSES)
def test_rounding_equals_the_witness(name):
    numeric = number_format(name)
    x = without_subnormal(np.concatenate([hard_numbers().ravel(), normal_numbers((20000,)), *ties(numeric)]))
    # Beyond the largest number witnesses give infinity or NaN; we saturate.
    x = x[np.abs(x) <= numeric.largest]
    expected = without_subnormal(x.astype(WITNESSES[name]).astype(np.float32))
    assert np.array_equal(numeric.round(x), expected)


def ties(numeric: Minifloat) -> tuple[np.ndarray, np.ndarray]:
    """Returns the middles between neighbours, and the numbers one ulp above them."""
    values = numeric.values().astype(np.float64)
    middles = ((values[1:] + values[:-1]) / 2).astype(np.float32)
    return middles, np.nextafter(middles, np.float32(np.inf))


@pytest.mark.parametrize("name", WITNESSES)
def test_codes_equal_those_of_the_witness(name):
    numeric = number_format(name)
    codes = np.arange(1 << numeric.bits, dtype=np.uint8 if numeric.bits <= 8 else np.uint16)
    with np.errstate(invalid="ignore"):
        expected = codes.view(WITNESSES[name]).astype(np.float32)
    assert np.array_equal(numeric.from_codes(codes), without_subnormal(expected), equal_nan=True)
    finite = codes[np.isfinite(expected) & (without_subnormal(expected) == expected)]
    assert np.array_equal(numeric.to_codes(numeric.from_codes(finite)), finite)


@pytest.mark.parametrize(
    ("name", "largest", "normal", "smallest"),
    [
        ("FP[1|5|10,15](FN)", 131008, 2.0**-14, 2.0**-14),
        ("FP[1|4|3,7](_N)", 480, 2.0**-6, 2.0**-9),
        ("FP[1|5|2,15](_N)", 114688, 2.0**-14, 2.0**-16),
        ("FP[0|4|4,7](FN)", 496, 2.0**-6, 2.0**-6),
        ("FP[1|4|3,10](_N)", 60, 2.0**-9, 2.0**-12),
        ("fp8_e4m3fn", 448, 2.0**-6, 2.0**-9),
        ("fp8_e5m2", 57344, 2.0**-14, 2.0**-16),
        ("fp6_e3m2", 28, 0.25, 0.0625),
        ("fp6_e2m3", 7.5, 1, 0.125),
        ("fp4_e2m1", 6, 1, 0.5),
    ],
)
def test_extreme_numbers(name, largest, normal, smallest):
    numeric = number_format(name)
    values = numeric.values()
    assert (values[-1], 2.0**numeric.lowest, values[values > 0][0]) == (largest, normal, smallest)
    assert numeric.round(np.float32([np.inf, 2 * largest])).tolist() == [largest, largest]


def test_e2m1():
    assert number_format("fp4_e2m1").values().tolist() == [
        *(-6, -4, -3, -2, -1.5, -1, -0.5, 0),
        *(0.5, 1, 1.5, 2, 3, 4, 6),
    ]


def test_flushing_looks_at_the_number_before_it_is_rounded():
    almost = np.nextafter(np.float32(2.0**-6), np.float32(0))
    assert number_format("FP[1|4|3,7](FN)").round(almost) == 0.0
    assert number_format("FP[1|4|3,7](_N)").round(almost) == 2.0**-6


def test_without_a_sign_numbers_below_zero_become_zero():
    assert number_format("FP[0|4|4,7](_N)").round(np.float32([-3, -0.0, 3])).tolist() == [0, 0, 3]


@pytest.mark.parametrize("name", ["FP[1|3|2,-110]", "FP[1|4|3,-60]", "FP[1|4|3,127]", "FP[1|6|3,100]", "FP[1|7|4,0]"])
def test_formats_at_the_ends_of_float32(name):
    x = without_subnormal(hard_numbers()[~np.isnan(hard_numbers())])
    values = number_format(name).values()
    x = np.clip(x, values[0], values[-1])
    above, below = np.searchsorted(values, x), np.searchsorted(values, x, side="right") - 1
    assert np.array_equal(number_format(f"{name}(_U)").round(x), values[above])
    assert np.array_equal(number_format(f"{name}(_D)").round(x), values[below])
    distance = np.minimum(values[above] - x.astype(np.float64), x.astype(np.float64) - values[below])
    assert np.array_equal(np.abs(number_format(name).round(x) - x.astype(np.float64)), distance)


@pytest.mark.parametrize("name", ["FP[1|8|23,127](_N)", "FP[1|8|22,127](_N)"])
def test_as_wide_as_float32(name):
    x = hard_numbers()[np.isfinite(hard_numbers())]
    bits = np.frombuffer(number_format(name).round(x).tobytes(), np.uint32)
    expected = without_subnormal(x).view(np.uint32)
    if "22" in name:
        expected = (expected + ((expected >> 1) & 1)) & ~np.uint32(1)  # half of the last bit to even
        expected = np.where((expected & 0x7FFFFFFF) == 0x7F800000, expected - 2, expected)  # and saturate
    assert np.array_equal(np.where(bits == 0x80000000, 0, bits), np.where(expected == 0x80000000, 0, expected))


def test_nan_has_the_code_of_the_standard():
    x = np.float32([np.nan])
    assert number_format("fp8_e4m3fn").encode(x) == b"\x7f"
    assert number_format("fp8_e5m2").encode(x) == b"\x7e"
    with pytest.raises(DataError, match=r"has no code for NaN"):
        number_format("fp4_e2m1").encode(x)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"exponent": 9, "mantissa": 3},
            "1 to 8 bits of exponent and 0 to 23 of mantissa. Received: exponent=9, mantissa=3.",
        ),
        (
            {"exponent": 4, "mantissa": 3, "bias": 128},
            r"`bias` must be in \[-112, 127\] for 4 bits .* Received: bias=128.",
        ),
        ({"exponent": 4, "mantissa": 3, "specials": "some"}, "`specials` must be .* Received: specials='some'."),
        ({"exponent": 2, "mantissa": 1, "specials": "nan"}, "at least 8 bits. Received: specials='nan', .* bits=4."),
        ({"exponent": 4, "mantissa": 3, "rounding": "nearst"}, "`rounding` must be .* Did you mean `nearest`?"),
    ],
)
def test_impossible_formats_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        Minifloat(**settings)


@pytest.mark.parametrize("name", ["float16", "fp8_e4m3fn", "fp6_e3m2fn", "fp4_e2m1fn", "FP[1|4|3,7](FN)"])
def test_what_a_graph_adds_to_rounded_numbers_is_added_after_rounding(name):
    tf = pytest.importorskip("tensorflow")
    form = number_format(name)
    x = np.random.default_rng(0).normal(size=256).astype(np.float32)

    @tf.function
    def added(x):
        return form.round(x) + 0.001

    np.testing.assert_array_equal(added(tf.constant(x)), form.round(x) + np.float32(0.001))
