"""Rounding to a number format in the forward pass, straight through in the backward pass."""

import math
from collections.abc import Sequence
from typing import Any, Literal

import keras
from keras import ops

from source.config.errors import ConfigError
from source.layer.transformation import Tensor, Transformation
from source.numeric import gradient
from source.numeric.format import NumberFormat
from source.numeric.grammar import number_format
from source.numeric.packing import packed_size
from source.numeric.same import Same

Gradient = Literal["straight_through", "clipped"]


@keras.saving.register_keras_serializable(package="espalier")
class FakeQuantize(Transformation):
    """Rounds to the numbers of a format, with the scales of the tensor at hand.

    Attributes:
        format: the number format.
        axis: along which blocks lie, or whose indices have scales each.
        gradient: "straight_through", the gradient of x itself (https://arxiv.org/abs/1308.3432), or "clipped", none
            where x was beyond the numbers that its rounding gave.
    """

    def __init__(
        self, format: str | NumberFormat, axis: int = -1, gradient: Gradient = "straight_through", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.format = number_format(str(format))
        self.axis = axis
        self.gradient = gradient
        if gradient not in ("straight_through", "clipped"):
            raise ConfigError(f"`gradient` must be straight_through or clipped. Received: gradient={gradient!r}.")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the counter that seeds stochastic rounding."""
        super().build(input_shape)
        if self.format.rounding == "stochastic":
            self.calls = self.add_weight(
                name="calls", shape=(), dtype="int32", initializer="zeros", trainable=False,
                aggregation="only_first_replica",
            )  # fmt: skip

    def transform(self, x: Tensor, training: bool) -> Tensor:
        """Returns x rounded."""
        seed = self._seed(training)

        def rounded(x: Tensor) -> Tensor:
            return self.format.round(x, axis=self.axis, seed=seed)

        if self.gradient == "straight_through":
            return gradient.straight_through(rounded, x)
        numbers = rounded(ops.stop_gradient(x))
        return gradient.clipped_straight_through(lambda _: numbers, x, ops.min(numbers), ops.max(numbers))

    @property
    def code_bits(self) -> float | None:
        """Bits of a code; None for the format that changes nothing."""
        return None if isinstance(self.format, Same) else self.format.bits

    def scale_bytes(self, shape: Sequence[int]) -> int:
        """Returns the bytes of scales, zero points and tables."""
        return self.format.nbytes(shape, self.axis) - packed_size(math.prod(shape), self.format.bits)

    @property
    def description(self) -> str:
        """The name of the format."""
        return str(self.format)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments as plain values."""
        return {**super().get_config(), "format": str(self.format), "axis": self.axis, "gradient": self.gradient}

    def _seed(self, training: bool) -> Tensor | None:
        if self.format.rounding != "stochastic":
            return None
        # A copy: on TensorFlow a variable that is handed on is read when it is used, after the assignment below.
        seed = ops.copy(self.calls)
        if training:
            self.calls.assign(seed + 1)
        return seed


@keras.saving.register_keras_serializable(package="espalier")
class RoundGradient(Transformation):
    """Passes a tensor on unchanged, and rounds the gradient that comes back to a number format.

    Attributes:
        format: the number format.
        axis: along which blocks lie, or whose indices have scales each.
    """

    def __init__(self, format: str | NumberFormat, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.format = number_format(str(format))
        self.axis = axis
        if self.format.rounding == "stochastic":
            raise ConfigError(f"Gradients are rounded without seeds. Received: format={format}; use another rounding.")

    def transform(self, x: Tensor, training: bool) -> Tensor:
        """Returns x."""
        return gradient.rounded_gradient(lambda upstream: self.format.round(upstream, axis=self.axis), x)

    def lasting(self) -> None:
        """Returns None: inference has no gradients."""

    @property
    def description(self) -> str:
        """The name of the format."""
        return f"gradient {self.format}"

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments as plain values."""
        return {**super().get_config(), "format": str(self.format), "axis": self.axis}
