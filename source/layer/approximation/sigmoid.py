"""Sigmoid, SiLU and the hyperbolic tangent from an approximate exponential of what is not positive."""

import abc
import dataclasses
from typing import ClassVar

import keras
from keras import ops

from source.layer.approximation._arithmetic import LARGEST, Tensor, quotient, rounded
from source.layer.approximation.exponential import EXPONENTIALS, exponential
from source.layer.approximation.operator import Approximation


@dataclasses.dataclass(frozen=True)
class _Exponential(Approximation, abc.ABC):
    """What the three share: their exponential, and two as its factor where the operator wants it."""

    algorithms: ClassVar = EXPONENTIALS

    algorithm: str = "poly2"
    numbers: str = "float16"

    def _number(self, x: Tensor) -> Tensor:
        return rounded(ops.cast(x, "float32"), self.numbers)

    def _power(self, x: Tensor) -> Tensor:
        """Returns e^x for x <= 0."""
        return exponential(x, self.algorithm, self.numbers)

    def _sigmoid(self, x: Tensor) -> Tensor:
        """Returns 1 / (1 + t) for x >= 0 and t / (1 + t) below, where t = e^-|x|."""
        power = self._power(-ops.abs(x))
        upper = ops.where(x < 0.0, power, ops.ones_like(x))
        return rounded(quotient(upper, rounded(1.0 + power, self.numbers)), self.numbers)


@keras.saving.register_keras_serializable(package="espalier")
@dataclasses.dataclass(frozen=True)
class SigmoidApproximation(_Exponential):
    """1 / (1 + t) for x >= 0 and t / (1 + t) below, where t is the approximation of e^-|x|."""

    operator: ClassVar[str] = "sigmoid"

    def exact(self, x: Tensor) -> Tensor:
        """Returns 1 / (1 + e^-x).

        Args:
            x: floating point numbers.
        """
        return keras.activations.sigmoid(x)

    def approximate(self, x: Tensor) -> Tensor:
        """Returns the approximation of the sigmoid.

        Args:
            x: floating point numbers.
        """
        return self._sigmoid(self._number(x))


@keras.saving.register_keras_serializable(package="espalier")
@dataclasses.dataclass(frozen=True)
class SiluApproximation(_Exponential):
    """x times the approximation of the sigmoid."""

    operator: ClassVar[str] = "silu"

    def exact(self, x: Tensor) -> Tensor:
        """Returns x / (1 + e^-x).

        Args:
            x: floating point numbers.
        """
        return keras.activations.silu(x)

    def approximate(self, x: Tensor) -> Tensor:
        """Returns the approximation of SiLU.

        Args:
            x: floating point numbers.
        """
        x = self._number(x)
        # Of -infinity the sigmoid is zero: the lowest finite number keeps the product from being NaN.
        return rounded(ops.where(x < -LARGEST, -LARGEST, x) * self._sigmoid(x), self.numbers)


@keras.saving.register_keras_serializable(package="espalier")
@dataclasses.dataclass(frozen=True)
class TanhApproximation(_Exponential):
    """(1 - t) / (1 + t) with the sign of x, where t is the approximation of e^(-2 |x|).

    Only "poly2" is offered: "base2" has t = 0.957 at zero, and so a step of 0.04 there.
    """

    operator: ClassVar[str] = "tanh"
    algorithms: ClassVar = {"poly2": EXPONENTIALS["poly2"]}

    def exact(self, x: Tensor) -> Tensor:
        """Returns the hyperbolic tangent.

        Args:
            x: floating point numbers.
        """
        return keras.activations.tanh(x)

    def approximate(self, x: Tensor) -> Tensor:
        """Returns the approximation of the hyperbolic tangent.

        Args:
            x: floating point numbers.
        """
        numbers, x = self.numbers, self._number(x)
        power = self._power(rounded(-2.0 * ops.abs(x), numbers))
        ratio = rounded(quotient(rounded(1.0 - power, numbers), rounded(1.0 + power, numbers)), numbers)
        return ops.where(x < 0.0, -ratio, ratio)
