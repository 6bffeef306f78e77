"""Tests of recentralized numbers."""

import numpy as np
import pytest

from source.config.errors import ConfigError, DataError, UnknownNameError
from source.numeric import number_format
from source.numeric.recentralized import Recentralized
from tests.numeric.formats import normal_numbers

W = np.float32([0.05, -0.1, 0.2, -0.35, 0.5, -0.62, 0.9, -1.3])
EXPECTED = [0.1625, -0.0925, 0.1625, -0.3425, 0.4125, -0.5925, 0.9125, -1.3425]


def test_golden_vector():
    # The means are 0.4125 and -0.5925; what is left rounds to -.25 .5 -.25 .25 0 0 .5 -.75.
    rounded = number_format("recentralized<fixed<3,1>>").round(W)
    np.testing.assert_allclose(rounded, EXPECTED, atol=2.0**-23)  # an ulp of means below one


def test_each_side_is_the_inner_format_about_its_mean():
    x = normal_numbers((40, 50))
    numeric = number_format("recentralized<XP[5,+3](CSN)>")
    positive, negative = x[x > 0].astype(np.float64).mean(), x[x < 0].astype(np.float64).mean()
    expected = np.zeros_like(x)
    for side, mean in ((x > 0, np.float32(positive)), (x < 0, np.float32(negative))):
        expected[side] = numeric.inner.round(x[side] - mean) + mean
    # The mean of magnitudes counts in units of 2^-23 of the largest.
    np.testing.assert_allclose(numeric.round(x), expected, atol=2.0**-22)
    assert (numeric.round(x)[x == 0] == 0).all()


@pytest.mark.parametrize(
    ("inner", "bits"),
    [
        ("XP[4,+3](CSN)", 5),  # the lowest integer is free
        ("XP[4,+3](C_N)", 6),
        ("pow2<4>", 5),  # minus zero is free
        ("fp8_e4m3fn", 9),
        ("FP[0|4|4,7](_N)", 10),
        ("int4", 5),
        ("uint4", 6),
        ("nf4", 6),
        ("codebook<-1,0,1>", 3),
    ],
)
def test_zero_has_a_free_code_or_a_bit_of_its_own(inner, bits):
    numeric = Recentralized(number_format(inner))
    assert numeric.bits == bits
    x = normal_numbers((30, 7))
    data = numeric.encode(x)
    assert len(data) == numeric.nbytes(x.shape)
    assert np.array_equal(numeric.decode(data, x.shape), numeric.round(x))


def test_codes():
    # Means 2 and -1; side, then the inner code; zero is the free code of -4.
    numeric = number_format("recentralized<XP[3,0](CSN)>")
    x = np.float32([1.0, 3.0, -1.0, 0.0])
    codes = [0b1111, 0b1001, 0b0000, 0b0100]
    assert numeric.encode(x) == np.float32([-1, 2]).tobytes() + bytes(
        [codes[0] | codes[1] << 4, codes[2] | codes[3] << 4]
    )


def test_minus_zero_of_the_inner_format_is_no_pruned_number():
    numeric = number_format("recentralized<fp4_e2m1>")
    x = np.float32([1.0, 1.2, -3.0, 0.0])  # what is left is -0.1, 0.1 and 0
    assert numeric.round(x).tolist() == [np.float32(1.1), np.float32(1.1), -3.0, 0.0]
    assert np.array_equal(numeric.decode(numeric.encode(x), x.shape), numeric.round(x))


def test_the_inner_format_draws():
    numeric = number_format("recentralized<int4(S)>")
    x = normal_numbers()
    assert numeric.rounding == "stochastic"
    assert np.array_equal(numeric.decode(numeric.encode(x, seed=5), x.shape), numeric.round(x, seed=5))
    assert not np.array_equal(numeric.round(x, seed=5), numeric.round(x, seed=6))


def test_a_tensor_with_nan_is_nan():
    x = np.float32([1.0, np.nan, 0.0])
    for name in ("recentralized<XP[4,0](CSN)>", "recentralized<int8>"):
        numeric = number_format(name)
        assert np.isnan(numeric.round(x)).all()
        assert np.isnan(numeric.decode(numeric.encode(x), x.shape)).all()


def test_values_are_about_one():
    assert number_format("recentralized<XP[2,+1](CSN)>").values().tolist() == [-1.5, -1, -0.5, 0, 0.5, 1, 1.5]


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("recentralized", ConfigError, "at character 14, `<` was expected. Received: the end. It is written `recentra"),
        ("recentralized<>", ConfigError, "at character 15, the name of a format was expected. Received: `>`."),
        ("recentralized<int8", ConfigError, "at character 19, `>` was expected. Received: the end."),
        ("recentralized<binry>", UnknownNameError, "There is no number format `binry`. Did you mean `binary`?"),
        ("recentralized<SAME>", ConfigError, "Codes have at most 32 bits, .* Received: inner=`SAME`, of 32 bits."),
        ("recentralized<recentralized<int8>>", ConfigError, "once has no sides any more. Received: inner=`recentr"),
    ],
)
def test_malformed_names(name, error, message):
    with pytest.raises(error, match=message):
        number_format(name)


def test_what_the_inner_format_refuses_is_refused():
    with pytest.raises(DataError, match="does not clamp"):
        number_format("recentralized<XP[3,0](_SN)>").encode(np.float32([1.0, 100.0]))
