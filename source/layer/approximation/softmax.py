"""Softmax by approximate exponentials that share the largest power of two."""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import keras
from keras import ops

from source.layer.approximation._arithmetic import Tensor, constant, power_of_two, quotient, rounded, total
from source.layer.approximation.exponential import EXPONENTIALS, split_exponential
from source.layer.approximation.operator import Approximation
from source.layer.approximation.reciprocal import reciprocal

_WITH_RECIPROCAL = "base2quake3"
# Added to the sum, which is at least 0.7: to no effect, but part of the definition.
_EPSILON = {"float16": 2.0**-24}
_EPSILON_ELSEWHERE = 1e-30
# In place of -infinity: lowest of bfloat16, which float32 and float64 have too, and of float16.
_LOWEST = -3.3895313892515355e38
_LOWEST_HALF = -65504.0


@keras.saving.register_keras_serializable(package="espalier")
@dataclasses.dataclass(frozen=True)
class SoftmaxApproximation(Approximation):
    """e^x / sum(e^x) with e^x = y * 2^k, computed as y * 2^(k - max k) over its sum.

    "base2quake3" multiplies by an approximate reciprocal of the sum instead of dividing. Numbers below -16384 count as
    -16384, so masks of -1e9 or -infinity give zero, and a row of nothing else gives equal shares.
    """

    operator: ClassVar[str] = "softmax"
    algorithms: ClassVar = {**EXPONENTIALS, _WITH_RECIPROCAL: ("float16",)}

    algorithm: str = "base2"
    numbers: str = "float16"

    def exact(self, x: Tensor, axis: int | Sequence[int] = -1) -> Tensor:
        """Returns the softmax, without NaN for rows of -infinity alone.

        Args:
            x: floating point numbers.
            axis: one or several along which the result sums to one.
        """
        x = without_infinity(x)
        axes = (axis,) if isinstance(axis, int) else tuple(axis)
        if len(axes) == 1:
            return keras.activations.softmax(x, axis=axes[0])
        return ops.exp(x - ops.logsumexp(x, axis=axes, keepdims=True))

    def approximate(self, x: Tensor, axis: int | Sequence[int] = -1) -> Tensor:
        """Returns the approximation of the softmax.

        Args:
            x: floating point numbers.
            axis: one or several along which the result sums to about one.
        """
        numbers = self.numbers
        algorithm = "base2" if self.algorithm == _WITH_RECIPROCAL else self.algorithm
        fraction, exponent = split_exponential(x, algorithm, numbers)
        highest = ops.max(exponent, axis=axis, keepdims=True)
        powers = rounded(fraction * power_of_two(exponent - highest), numbers)
        divisor = rounded(
            rounded(total(powers, axis), numbers) + constant(_EPSILON.get(numbers, _EPSILON_ELSEWHERE), numbers),
            numbers,
        )
        if self.algorithm == _WITH_RECIPROCAL:
            return rounded(powers * reciprocal(divisor), numbers)
        return rounded(quotient(powers, divisor), numbers)


def without_infinity(x: Tensor) -> Tensor:
    """Returns x with a finite number in place of -infinity.

    Args:
        x: floating point numbers.
    """
    lowest = _LOWEST_HALF if keras.backend.standardize_dtype(x.dtype) == "float16" else _LOWEST
    return ops.where(x < lowest, ops.cast(lowest, x.dtype), x)
