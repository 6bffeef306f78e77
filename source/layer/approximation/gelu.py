"""GELU by a polynomial of the second degree in place of the error function."""

import dataclasses
from typing import ClassVar

import keras
from keras import ops

from source.layer.approximation._arithmetic import Tensor, constant, rounded
from source.layer.approximation.operator import Approximation

_INVERSE_ROOT_OF_TWO = 0.70711
_LIMIT = 1.769
_FACTOR = 0.1444  # half of 0.2888, so that the halving of x (1 + erf) is part of it


@keras.saving.register_keras_serializable(package="espalier")
@dataclasses.dataclass(frozen=True)
class GeluApproximation(Approximation):
    """x (1 - p) for x >= 0 and x p below, where p = 0.1444 (min(|x| / sqrt(2), 1.769) - 1.769)^2.

    Kim et al.: I-BERT: Integer-only BERT quantization, 2021, https://arxiv.org/abs/2101.01321. From |x| = 2.502 on it
    is x or -0.
    """

    operator: ClassVar[str] = "gelu"
    algorithms: ClassVar = {"poly2": ("float16",)}

    algorithm: str = "poly2"
    numbers: str = "float16"

    def exact(self, x: Tensor) -> Tensor:
        """Returns x (1 + erf(x / sqrt(2))) / 2.

        Args:
            x: floating point numbers.
        """
        return keras.activations.gelu(x, approximate=False)

    def approximate(self, x: Tensor) -> Tensor:
        """Returns the approximation of GELU.

        Args:
            x: floating point numbers.
        """
        numbers = self.numbers
        x = rounded(ops.cast(x, "float32"), numbers)
        limit = constant(_LIMIT, numbers)
        inner = rounded(x * _INVERSE_ROOT_OF_TWO, numbers)
        magnitude = ops.abs(inner)
        below = rounded(ops.where(magnitude > limit, limit, magnitude) - limit, numbers)
        share = rounded(_FACTOR * rounded(below * below, numbers), numbers)
        return rounded(x * ops.where(inner < 0.0, share, rounded(1.0 - share, numbers)), numbers)
