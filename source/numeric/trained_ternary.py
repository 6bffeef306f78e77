"""Trained ternary quantization: minus one scale, zero and plus another, both of which are learned."""

from keras import ops

from source.config.errors import ConfigError
from source.numeric import _bits
from source.numeric._bits import Tensor
from source.numeric.gradient import straight_through


def trained_ternary(x: Tensor, positive: Tensor, negative: Tensor, threshold: float = 0.05) -> Tensor:
    """Returns p where x > d, -q where x < -d and zero between, with d = threshold * max |x|; p and q learn.

    The gradient of x is p, q or 1 times the one above, by region. That of p is the sum of the one above over the
    numbers that became p; that of q is minus the sum over those that became -q. Zhu, Han, Mao, Dally: Trained
    ternary quantization, 2017, https://arxiv.org/abs/1612.01064 (which leaves the minus of q's gradient out).

    What has been learned is stored by `codebook<-q,0,p>`.

    Args:
        x: float32 tensor of any shape.
        positive: p, float32: one number, or one for each channel in a shape that broadcasts with x, such as (c,). Its
            axes of size one are those over which d takes the maximum.
        negative: q, of the same shape.
        threshold: in [0, 1).

    Returns:
        float32 of the shape of x; NaN where x is NaN.

    Raises:
        ConfigError: for another threshold, and for scales of different shapes or that do not broadcast with x.
    """
    positive, negative = ops.convert_to_tensor(positive, "float32"), ops.convert_to_tensor(negative, "float32")
    _check(tuple(x.shape), tuple(positive.shape), tuple(negative.shape), threshold)
    largest = _bits.largest_magnitude(ops.stop_gradient(x), _shared_axes(len(x.shape), tuple(positive.shape)))
    border = _bits.finite(largest) * threshold
    above, below = x > border, x < -border
    value = ops.where(above, positive, ops.where(below, -negative, 0.0))
    factor = ops.stop_gradient(ops.where(above, positive, ops.where(below, negative, 1.0)))
    # Adds nothing but the gradient of x.
    return value + straight_through(_zeros, x * factor)


def _zeros(x: Tensor) -> Tensor:
    return ops.where(ops.isnan(x), x, 0.0)


def _shared_axes(rank: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Returns the axes of x over which a scale of a shape does not change."""
    lengths = (1,) * (rank - len(shape)) + shape
    return tuple(axis for axis, length in enumerate(lengths) if length == 1)


def _check(x: tuple[int | None, ...], positive: tuple[int, ...], negative: tuple[int, ...], threshold: float) -> None:
    if not 0.0 <= threshold < 1.0:
        raise ConfigError(f"`threshold` must be in [0, 1). Received: threshold={threshold}.")
    ends = x[len(x) - len(positive) :] if len(positive) <= len(x) else None
    fits = ends is not None and all(length in (1, end) for length, end in zip(positive, ends, strict=True))
    if positive != negative or not fits:
        raise ConfigError(
            "`positive` and `negative` must have one shape, which broadcasts with x. "
            f"Received: shapes {positive} and {negative} for {x}."
        )
