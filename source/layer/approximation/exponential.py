"""The exponential function by its powers of two, and a polynomial or a line between them."""

import dataclasses
from typing import ClassVar

import keras
from keras import ops

from source.layer.approximation._arithmetic import Tensor, constant, power_of_two, rounded
from source.layer.approximation.operator import Approximation

EXPONENTIALS = {
    "poly2": ("int", "float32", "float16", "bfloat16"),
    "base2": ("int", "float32", "float16", "bfloat16"),
}
# 14 fraction bits, as integers carried by float32.
_ONE = float(1 << 14)
_LOG2_E = 1.4426950408889634
_OFFSET = 0.957  # of the line v + 0.957, whose largest error against 2^v for v in [0, 1) is least
# Masks of -1e9 and -infinity become this, whose exponential is zero beside any other.
_LOWEST = -16384.0
# Above, products would leave the range: of float16 in the logarithm, of float32 in the square of the remainder.
_HIGHEST = {"float16": 2.0**15}
_HIGHEST_ELSEWHERE = 2.0**60


@keras.saving.register_keras_serializable(package="espalier")
@dataclasses.dataclass(frozen=True)
class ExponentialApproximation(Approximation):
    """e^x as y * 2^k, for whole k and y in about [0.7, 1.42] (poly2) or [0.957, 1.957] (base2).

    Below e^-16384 and beyond the range of the numbers it saturates.
    """

    operator: ClassVar[str] = "exp"
    algorithms: ClassVar = EXPONENTIALS

    algorithm: str = "base2"
    numbers: str = "float16"

    def exact(self, x: Tensor) -> Tensor:
        """Returns e^x.

        Args:
            x: floating point numbers.
        """
        return ops.exp(x)

    def approximate(self, x: Tensor) -> Tensor:
        """Returns the approximation of e^x.

        Args:
            x: floating point numbers.
        """
        return exponential(x, self.algorithm, self.numbers)


def exponential(x: Tensor, algorithm: str, numbers: str) -> Tensor:
    """Returns e^x by an algorithm of `EXPONENTIALS`, rounded to the working numbers.

    Args:
        x: floating point numbers.
        algorithm: "poly2" or "base2".
        numbers: "int", "float32", "float16" or "bfloat16".
    """
    fraction, exponent = split_exponential(x, algorithm, numbers)
    return rounded(fraction * power_of_two(exponent), numbers)


def split_exponential(x: Tensor, algorithm: str, numbers: str) -> tuple[Tensor, Tensor]:
    """Returns y and whole k with e^x = y * 2^k, both float32.

    Args:
        x: floating point numbers.
        algorithm: "poly2" or "base2".
        numbers: "int", "float32", "float16" or "bfloat16".
    """
    x = ops.cast(x, "float32")
    x = ops.where(x < _LOWEST, _LOWEST, x)
    highest = _HIGHEST.get(numbers, _HIGHEST_ELSEWHERE)
    x = rounded(ops.where(x > highest, highest, x), numbers)
    if algorithm == "poly2":
        return _polynomial_in_integers(x) if numbers == "int" else _polynomial(x, numbers)
    return _line_in_integers(x) if numbers == "int" else _line(x, numbers)


def _polynomial(x: Tensor, numbers: str) -> tuple[Tensor, Tensor]:
    """Returns 1 + (1.015082 + 0.503765 r) r and k, where r = x - k ln 2 is in about [-0.35, 0.35]."""
    first, second = constant(1.015082, numbers), constant(0.503765, numbers)
    exponent, rest = _reduced(x, constant(1.4427, numbers), constant(0.69315, numbers), numbers)
    inner = rounded(first + rounded(second * rest, numbers), numbers)
    return rounded(1.0 + rounded(inner * rest, numbers), numbers), exponent


def _polynomial_in_integers(x: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the same with the coefficients 1, 1.0151 and 0.5 and with whole multiples of 2^-14."""
    exponent, rest = _reduced(x, 1.4427, 0.69315, "int")
    whole = ops.round(rest * _ONE)
    inner = ops.round(round(1.0151 * _ONE) + 0.5 * whole)
    outer = ops.round(_ONE + ops.round(inner * whole * (1.0 / _ONE)))
    return outer * (1.0 / _ONE), exponent


def _reduced(x: Tensor, inverse: float, logarithm: float, numbers: str) -> tuple[Tensor, Tensor]:
    """Returns k = round(x / ln 2) and x - k ln 2."""
    exponent = rounded(ops.round(rounded(x * inverse, numbers)), numbers)
    return exponent, rounded(x - rounded(exponent * logarithm, numbers), numbers)


def _line(x: Tensor, numbers: str) -> tuple[Tensor, Tensor]:
    """Returns v + 0.957 and k, where x log2(e) = k + v with v in [0, 1)."""
    logarithm = rounded(x * constant(_LOG2_E, numbers), numbers)
    exponent = rounded(ops.floor(logarithm), numbers)
    rest = rounded(logarithm - exponent, numbers)
    return rounded(rest + constant(_OFFSET, numbers), numbers), exponent


def _line_in_integers(x: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the same with v, log2(e) and 0.957 rounded to multiples of 2^-14."""
    logarithm = rounded(x * (round(_LOG2_E * _ONE) / _ONE), "int")
    exponent = ops.floor(logarithm)
    rest = ops.round((logarithm - exponent) * _ONE) * (1.0 / _ONE)
    return rest + round(_OFFSET * _ONE) / _ONE, exponent
