"""Reciprocals and reciprocal square roots from the bits of a number and one step of Newton's method.

The bits of a floating point number are nearly its logarithm, so subtracting them from a constant nearly inverts it.
Lomont: Fast inverse square root, 2003, http://www.lomont.org/papers/2003/InvSqrt.pdf
"""

import dataclasses
from typing import ClassVar

import keras
from keras import ops

from source.layer.approximation._arithmetic import Tensor, rounded
from source.layer.approximation.operator import Approximation

_RECIPROCAL_BITS = 0x77A8
_ROOT_BITS = {"float16": 0x59BE, "float32": 0x5F3759DF}
_INTEGERS = {"float16": "int16", "float32": "int32"}


@keras.saving.register_keras_serializable(package="espalier")
@dataclasses.dataclass(frozen=True)
class ReciprocalApproximation(Approximation):
    """1 / x in float16; of zero 62720, and zero for numbers above 31360, whose reciprocal is subnormal."""

    operator: ClassVar[str] = "reciprocal"
    algorithms: ClassVar = {"quake3": ("float16",)}

    algorithm: str = "quake3"
    numbers: str = "float16"

    def exact(self, x: Tensor) -> Tensor:
        """Returns 1 / x.

        Args:
            x: floating point numbers.
        """
        return ops.reciprocal(x)

    def approximate(self, x: Tensor) -> Tensor:
        """Returns the approximation of 1 / x.

        Args:
            x: floating point numbers.
        """
        x = rounded(ops.cast(x, "float32"), self.numbers)
        inverse = reciprocal(ops.abs(x))
        return ops.where(x < 0.0, -inverse, inverse)


@keras.saving.register_keras_serializable(package="espalier")
@dataclasses.dataclass(frozen=True)
class ReciprocalRootApproximation(Approximation):
    """1 / sqrt(x), finite at zero and NaN below."""

    operator: ClassVar[str] = "rsqrt"
    algorithms: ClassVar = {"quake3": ("float16", "float32")}

    algorithm: str = "quake3"
    numbers: str = "float16"

    def exact(self, x: Tensor) -> Tensor:
        """Returns 1 / sqrt(x).

        Args:
            x: floating point numbers.
        """
        return ops.rsqrt(x)

    def approximate(self, x: Tensor) -> Tensor:
        """Returns the approximation of 1 / sqrt(x).

        Args:
            x: floating point numbers.
        """
        x = rounded(ops.cast(x, "float32"), self.numbers)
        return ops.where(x < 0.0, float("nan"), reciprocal_root(ops.abs(x), self.numbers))


def reciprocal(x: Tensor) -> Tensor:
    """Returns g + (1 - x g) g, where the bits of g are 0x77A8 minus those of x.

    Args:
        x: numbers of float16 as float32, none below zero.
    """
    guess = _number(ops.maximum(_RECIPROCAL_BITS - _bits(x, "float16"), 0), "float16")
    error = _half(1.0 - _half(x * guess))
    return _half(guess + _half(error * guess))


def reciprocal_root(x: Tensor, numbers: str) -> Tensor:
    """Returns (1.5 - x / 2 g g) g, where the bits of g are a constant minus half those of x.

    Args:
        x: numbers of the format as float32, none below zero.
        numbers: "float16", with 0x59BE as the constant, or "float32", with 0x5F3759DF.
    """
    guess = _number(_ROOT_BITS[numbers] - ops.right_shift(_bits(x, numbers), 1), numbers)
    half = rounded(rounded(0.5 * x, numbers) * guess, numbers)
    return rounded(rounded(1.5 - rounded(half * guess, numbers), numbers) * guess, numbers)


def _half(x: Tensor) -> Tensor:
    return rounded(x, "float16")


def _bits(x: Tensor, numbers: str) -> Tensor:
    """Returns the code of numbers as int32."""
    return ops.cast(ops.view(ops.cast(x, numbers), _INTEGERS[numbers]), "int32")


def _number(bits: Tensor, numbers: str) -> Tensor:
    """Returns the number of a code as float32."""
    return ops.cast(ops.view(ops.cast(bits, _INTEGERS[numbers]), numbers), "float32")
