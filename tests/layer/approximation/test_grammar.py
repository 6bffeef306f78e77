"""Tests of the names of approximated operators."""

import pytest

from source.config.errors import ConfigError, UnknownNameError
from source.layer.approximation.grammar import OPERATORS, approximation
from tests.layer.approximation.errors import names

CANONICAL = {
    "softmax": "softmax<base2,float16>",
    "SOFTMAX(base2,float16)": "softmax<base2,float16>",
    "SOFTMAX(base2quake3,float16)": "softmax<base2quake3,float16>",
    "SOFTMAX(poly2,int)": "softmax<poly2,int>",
    " softmax< poly2 , bfloat16 > ": "softmax<poly2,bfloat16>",
    "GELU(poly2,float16)": "gelu<poly2,float16>",
    "LAYERNORM(quake3,float32)": "layernorm<quake3,float32>",
    "LAYERNORM(fallback,float16)": "layernorm<legacy,float16>",
    "LAYERNORM(legacy,4,float16)": "layernorm<legacy,float16>",
    "LAYERNORM(fallback,6,float16)": "layernorm<fallback,6,float16>",
    "LAYER_NORM": "layernorm<legacy,float16>",
    "rms_norm<quake3,float16>": "rmsnorm<quake3,float16>",
    "rsqrt<quake3,float32>": "rsqrt<quake3,float32>",
    "EXP(poly2,int)": "exp<poly2,int>",
}


@pytest.mark.parametrize(("name", "canonical"), CANONICAL.items())
def test_names_have_a_canonical_form(name, canonical):
    assert str(approximation(name)) == canonical


def test_canonical_names_are_read_back():
    for name in names():
        assert str(approximation(name)) == name
        assert approximation(str(approximation(name))) == approximation(name)
    for kind in OPERATORS.values():
        assert approximation(kind()) == kind()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sofmax", "There is no approximation of `sofmax`. Did you mean `softmax`?"),
        ("softmax<base,float16>", "There is no algorithm `base` of `softmax`. Did you mean `base2`"),
        ("SOFTMAX(vsimd,float16)", "There is no algorithm `vsimd` of `softmax`. Known: base2, base2quake3, poly2."),
        ("softmax<base2quake3,int>", "no kind of numbers `int` of `softmax` by `base2quake3`. Known: float16."),
        ("gelu<poly2,flot16>", "There is no kind of numbers `flot16` of `gelu` by `poly2`. Did you mean `float16`?"),
    ],
)
def test_unknown_names_offer_the_nearest(name, message):
    with pytest.raises(UnknownNameError, match=message):
        approximation(name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "softmax<base2",
            "`softmax<base2` names no approximation. It is written `operator<algorithm,numbers>`, such as",
        ),
        ("softmax<base2,int)", "names no approximation"),
        (
            "softmax<base2>",
            "must have an algorithm and a kind of numbers, as in `softmax<base2,float16>`. Received: 1 of",
        ),
        ("LAYERNORM(fallback,x,float16)", "The norm of `LAYERNORM.* must be a whole number. Received: `x`."),
        ("LAYERNORM(fallback,16,float16)", r"`norm` must be in \[0, 15\]. Received: norm=16."),
        ("NONE", "`NONE` approximates nothing; leave the operator as it is."),
    ],
)
def test_malformed_names_say_what_was_expected(name, message):
    with pytest.raises(ConfigError, match=message):
        approximation(name)
