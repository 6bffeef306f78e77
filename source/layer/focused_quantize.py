"""Rounding of sparse weights about the means of two components, which are found from time to time."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from source.layer._focus import FocusVariables, focused
from source.layer.frozen_portions import FrozenPortions, Policy
from source.layer.transformation import Tensor, Transformation
from source.numeric import gradient
from source.numeric.format import NumberFormat
from source.numeric.packing import packed_size

_SCALE_BYTES = 4  # a trained scale is float32


@keras.saving.register_keras_serializable(package="espalier")
class FocusedQuantize(Transformation):
    """alpha · q(w) with a trained alpha, which begins as one; w itself until `refit` has found means and steps.

    Zhao et al.: Focused quantization for sparse CNNs, 2019, https://arxiv.org/abs/1903.03046. The gradient of w is that
    of q(w), straight through.

    Attributes:
        format: a focused format.
    """

    def __init__(self, format: str | NumberFormat = "focused<5>", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.format = focused(format)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates alpha, what is found about the weight, and whether anything is."""
        super().build(input_shape)
        self.alpha = self.add_weight(name="alpha", shape=(), initializer="ones")
        self.known = self.add_weight(
            name="known", shape=(), initializer="zeros", trainable=False, aggregation="only_first_replica"
        )
        self.focus = FocusVariables(self)

    def transform(self, x: Tensor, training: bool) -> Tensor:
        """Returns x rounded and scaled."""
        focus = self.focus.value()
        rounded = gradient.straight_through(lambda numbers: self.format.round_fitted(numbers, focus, 0), x)
        alpha = ops.convert_to_tensor(self.alpha)
        return ops.where(ops.convert_to_tensor(self.known) > 0, alpha * rounded, x)

    def refit(self, x: Tensor) -> None:
        """Finds means, steps and components of the weight.

        Args:
            x: the weight as it enters here, float32.
        """
        self.focus.refit(self.format, x)
        self.known.assign(1.0)

    @property
    def is_known(self) -> bool:
        """Whether means and steps are found."""
        return bool(ops.convert_to_numpy(self.known) > 0)

    @property
    def code_bits(self) -> float | None:
        """Bits of a code; None before means and steps are found."""
        return self.format.bits if self.is_known else None

    def scale_bytes(self, shape: Sequence[int]) -> int:
        """Returns the bytes of means, steps and alpha."""
        return _scale_bytes(self.format, shape)

    @property
    def description(self) -> str:
        """The name of the format, and whether it has two components here."""
        return f"{self.format} {_components(self.focus)}" if self.is_known else str(self.format)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments as plain values."""
        return {**super().get_config(), "format": str(self.format)}


@keras.saving.register_keras_serializable(package="espalier")
class FocusedPortions(FrozenPortions):
    """As `FrozenPortions`, times a trained alpha, which begins as one; means and steps are those of the first portion.

    Attributes:
        format: a focused format.
        policy: which entries go first: "magnitude", "error" or "random".
        count_zero: whether portions are shares of all entries, or of those that are not zero.
        seed: of policy "random".
    """

    _ends_together = False  # a rounded number may lie on the side of the other mean

    def __init__(
        self,
        format: str | NumberFormat = "focused<5>",
        axis: int = -1,
        policy: Policy = "magnitude",
        count_zero: bool = False,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(focused(format), axis, policy, count_zero, seed, **kwargs)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates alpha, what is frozen, and what is found about the weight."""
        super().build(input_shape)
        self.alpha = self.add_weight(name="alpha", shape=(), initializer="ones")
        self.focus = FocusVariables(self)

    def transform(self, x: Tensor, training: bool) -> Tensor:
        """Returns x with the stored numbers where it is frozen, scaled."""
        return ops.convert_to_tensor(self.alpha) * super().transform(x, training)

    def freeze(self, x: Tensor, portion: float) -> None:
        """Freezes more entries, until round(entries * portion) are frozen; finds means and steps at the first time.

        Args:
            x: the weight as it enters here, float32.
            portion: cumulative, in (0, 1]; 1 freezes all.
        """
        if not self.reached:
            self.focus.refit(focused(self.format), x)
        super().freeze(x, portion)

    def scale_bytes(self, shape: Sequence[int]) -> int:
        """Returns the bytes of means, steps and alpha."""
        return _scale_bytes(self.format, shape)

    @property
    def description(self) -> str:
        """The name of the format, how many components it has here, and how much of the weight is rounded to it."""
        known = f" {_components(self.focus)}" if self.reached else ""
        return f"{self.format}{known} {self.reached:.4g} frozen"

    def _rounded(self, x: np.ndarray) -> np.ndarray:
        rounded = focused(self.format).round_fitted(ops.convert_to_tensor(x), self.focus.value(), self.seed)
        return np.asarray(ops.convert_to_numpy(rounded), np.float32)

    def _has_scales(self, shape: Sequence[int]) -> bool:
        return False  # means and steps are kept, whatever becomes of the largest number


def _scale_bytes(format: NumberFormat, shape: Sequence[int]) -> int:
    return _SCALE_BYTES + format.nbytes(shape) - packed_size(math.prod(shape), format.bits)


def _components(focus: FocusVariables) -> str:
    return "two means" if bool(ops.convert_to_numpy(focus.value().split)) else "one mean"
