"""Layer and root mean square normalization with few-bit arithmetic and approximate reciprocal roots."""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import keras
from keras import ops

from source.config.errors import ConfigError
from source.layer.approximation._arithmetic import (
    Tensor,
    constant,
    count,
    quotient,
    reciprocal_root,
    resolution,
    rounded,
    total,
)
from source.layer.approximation.operator import Approximation
from source.layer.approximation.reciprocal import reciprocal_root as quick_reciprocal_root

_NUMBERS = ("float16", "float32")
_DEFAULT_EPSILON = 1e-5
_LARGEST_NORM = 15


@keras.saving.register_keras_serializable(package="espalier")
@dataclasses.dataclass(frozen=True)
class LayerNormalizationApproximation(Approximation):
    """(x - mean) gamma r + beta, where r is nearly 1 / sqrt(variance + epsilon).

    Mean and variance are sums in float32, rounded to the working numbers, as every other result is.

    - "quake3": r from the bits of the variance and one step of Newton's method; epsilon is at least the distance from
      one to the next working number.
    - "legacy": r in float32, then rounded.
    - "fallback": the same of x / 2^norm, with the variance as mean(x^2) - mean(x)^2; epsilon is not scaled.

    Attributes:
        algorithm: "quake3", "legacy" or "fallback".
        numbers: "float16" or "float32".
        norm: how many powers of two "fallback" divides by, so that squares stay in range; 0 to 15.
    """

    operator: ClassVar[str] = "layernorm"
    algorithms: ClassVar = {"quake3": _NUMBERS, "legacy": _NUMBERS, "fallback": _NUMBERS}

    algorithm: str = "legacy"
    numbers: str = "float16"
    norm: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.norm <= _LARGEST_NORM:
            raise ConfigError(f"`norm` must be in [0, {_LARGEST_NORM}]. Received: norm={self.norm}.")

    def exact(
        self,
        x: Tensor,
        gamma: Tensor | None = None,
        beta: Tensor | None = None,
        axis: int | Sequence[int] = -1,
        epsilon: float = _DEFAULT_EPSILON,
    ) -> Tensor:
        """Returns (x - mean) / sqrt(variance + epsilon) gamma + beta.

        Args:
            x: floating point numbers.
            gamma: factors, of the shape of the axes; None is one.
            beta: summands, of the shape of the axes; None is zero.
            axis: one or several that are normalized together.
            epsilon: added to the variance.
        """
        return ops.layer_normalization(x, gamma, beta, axis, epsilon)

    def approximate(
        self,
        x: Tensor,
        gamma: Tensor | None = None,
        beta: Tensor | None = None,
        axis: int | Sequence[int] = -1,
        epsilon: float = _DEFAULT_EPSILON,
    ) -> Tensor:
        """Returns the approximation of layer normalization.

        Args:
            x: floating point numbers, of known shape along the axes.
            gamma: factors, of the shape of the axes; None is one.
            beta: summands, of the shape of the axes; None is zero.
            axis: one or several that are normalized together.
            epsilon: added to the variance.
        """
        numbers, axes = self.numbers, _axes(x, axis)
        x = rounded(ops.cast(x, "float32"), numbers)
        if self.algorithm == "fallback":
            x = rounded(x * 2.0**-self.norm, numbers)
            mean, variance = _moments_of_squares(x, axes, numbers)
        else:
            mean, variance = _moments(x, axes, numbers)
        centred = rounded(x - mean, numbers)
        root = _reciprocal_root(variance, epsilon, self.algorithm, numbers)
        return _scaled(centred, _along(gamma, x, axes), root, _along(beta, x, axes), numbers)

    def __str__(self) -> str:
        norm = f"{self.norm}," if self.algorithm == "fallback" else ""
        return f"{self.operator}<{self.algorithm},{norm}{self.numbers}>"


@keras.saving.register_keras_serializable(package="espalier")
@dataclasses.dataclass(frozen=True)
class RootMeanSquareApproximation(Approximation):
    """x gamma r, where r is nearly 1 / sqrt(mean(x^2) + epsilon), computed as for layer normalization."""

    operator: ClassVar[str] = "rmsnorm"
    algorithms: ClassVar = {"quake3": _NUMBERS, "legacy": _NUMBERS}

    algorithm: str = "legacy"
    numbers: str = "float16"

    def exact(
        self,
        x: Tensor,
        gamma: Tensor | None = None,
        axis: int | Sequence[int] = -1,
        epsilon: float = _DEFAULT_EPSILON,
    ) -> Tensor:
        """Returns x / sqrt(mean(x^2) + epsilon) gamma.

        Args:
            x: floating point numbers.
            gamma: factors, of the shape of the axes; None is one.
            axis: one or several that are normalized together.
            epsilon: added to the mean.
        """
        return ops.rms_normalization(x, gamma, axis, epsilon)

    def approximate(
        self,
        x: Tensor,
        gamma: Tensor | None = None,
        axis: int | Sequence[int] = -1,
        epsilon: float = _DEFAULT_EPSILON,
    ) -> Tensor:
        """Returns the approximation of root mean square normalization.

        Args:
            x: floating point numbers, of known shape along the axes.
            gamma: factors, of the shape of the axes; None is one.
            axis: one or several that are normalized together.
            epsilon: added to the mean.
        """
        numbers, axes = self.numbers, _axes(x, axis)
        x = rounded(ops.cast(x, "float32"), numbers)
        squares = rounded(_mean(rounded(x * x, "float32"), axes), numbers)
        root = _reciprocal_root(squares, epsilon, self.algorithm, numbers)
        return _scaled(x, _along(gamma, x, axes), root, None, numbers)


def _moments(x: Tensor, axes: tuple[int, ...], numbers: str) -> tuple[Tensor, Tensor]:
    mean = _mean(x, axes)
    distance = x - mean
    variance = _mean(rounded(distance * distance, "float32"), axes)
    return rounded(mean, numbers), rounded(variance, numbers)


def _moments_of_squares(x: Tensor, axes: tuple[int, ...], numbers: str) -> tuple[Tensor, Tensor]:
    """Returns the mean, and the mean of squares minus its square, of which rounding may make less than zero."""
    size = count(x, axes)
    mean, square = (
        rounded(quotient(rounded(total(each, axes), numbers), float(size or 1)), numbers)
        for each in (x, rounded(x * x, numbers))
    )
    variance = rounded(square - rounded(mean * mean, numbers), numbers)
    return mean, ops.where(variance < 0.0, 0.0, variance)


def _mean(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    return quotient(total(x, axes), float(count(x, axes) or 1))


def _reciprocal_root(variance: Tensor, epsilon: float, algorithm: str, numbers: str) -> Tensor:
    if algorithm == "quake3":
        added = constant(max(resolution(numbers), epsilon), numbers)
        return quick_reciprocal_root(rounded(variance + added, numbers), numbers)
    return rounded(reciprocal_root(variance + epsilon), numbers)


def _scaled(x: Tensor, gamma: Tensor | None, root: Tensor, beta: Tensor | None, numbers: str) -> Tensor:
    """Returns x gamma root + beta, in this order."""
    if gamma is not None:
        x = rounded(x * rounded(gamma, numbers), numbers)
    x = rounded(x * root, numbers)
    return x if beta is None else rounded(x + rounded(beta, numbers), numbers)


def _axes(x: Tensor, axis: int | Sequence[int]) -> tuple[int, ...]:
    """Returns the axes in ascending order, counted from the first.

    Raises:
        ConfigError: when the size of one is not known, for then there is no mean.
    """
    rank = len(x.shape)
    axes = tuple(sorted(each % rank for each in ((axis,) if isinstance(axis, int) else axis)))
    if count(x, axes) is None:
        raise ConfigError(f"Normalized axes must have known sizes. Received: shape={tuple(x.shape)}, axis={axis}.")
    return axes


def _along(weight: Tensor | None, x: Tensor, axes: tuple[int, ...]) -> Tensor | None:
    """Returns a weight of the shape of the axes so that it broadcasts with x."""
    if weight is None:
        return None
    shape = [x.shape[axis] if axis in axes else 1 for axis in range(len(x.shape))]
    return ops.reshape(ops.cast(weight, "float32"), shape)
