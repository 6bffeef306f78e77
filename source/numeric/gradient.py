"""Gradients through rounding, whose own is zero: straight through, clipped, and with learned steps and limits."""

import math
from collections.abc import Callable

from keras import ops

from source.numeric._bits import Tensor


def straight_through(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Returns `function(x)`, with the gradient of x itself.

    Bengio, Léonard, Courville: Estimating or propagating gradients through stochastic neurons, 2013,
    https://arxiv.org/abs/1308.3432. The value is exact, which `x + stop_gradient(function(x) - x)` is not.

    Args:
        function: rounds a tensor, keeping its shape, such as `number_format("int8").round`.
        x: float32 tensor of any shape.
    """

    @ops.custom_gradient
    def rounded(x: Tensor) -> tuple[Tensor, Callable[..., Tensor]]:
        return function(x), lambda *args, upstream=None: _upstream(args, upstream)

    return rounded(x)


def clipped_straight_through(
    function: Callable[[Tensor], Tensor], x: Tensor, low: Tensor | float, high: Tensor | float
) -> Tensor:
    """Returns `function(x)`, with the gradient of x where low <= x <= high, and none elsewhere.

    Args:
        function: rounds a tensor, keeping its shape.
        x: float32 tensor of any shape.
        low: smallest number with a gradient, broadcasts with x; it gets no gradient itself.
        high: largest number with a gradient, likewise.
    """
    inside = ops.cast(ops.logical_and(x >= low, x <= high), x.dtype)

    @ops.custom_gradient
    def rounded(x: Tensor) -> tuple[Tensor, Callable[..., Tensor]]:
        return function(x), lambda *args, upstream=None: _upstream(args, upstream) * inside

    return rounded(x)


def scaled_gradient(x: Tensor, factor: float) -> Tensor:
    """Returns x, with a gradient `factor` times as large.

    Args:
        x: float32 tensor of any shape.
        factor: any number.
    """

    @ops.custom_gradient
    def same(x: Tensor) -> tuple[Tensor, Callable[..., Tensor]]:
        return ops.multiply(x, 1.0), lambda *args, upstream=None: _upstream(args, upstream) * factor

    return same(x)


def rounded_gradient(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Returns x, with `function` of the gradient in the place of the gradient.

    Args:
        function: rounds a tensor, keeping its shape.
        x: float32 tensor of any shape.
    """

    @ops.custom_gradient
    def same(x: Tensor) -> tuple[Tensor, Callable[..., Tensor]]:
        return ops.multiply(x, 1.0), lambda *args, upstream=None: function(_upstream(args, upstream))

    return same(x)


def learned_step(x: Tensor, step: Tensor, low: int, high: int) -> Tensor:
    """Returns `round(clip(x / step, low, high)) * step`, from which the step learns.

    The gradient of x is that of the clipped straight through estimator. That of the step is round(v) - v for
    v = x / step within the limits and the limit beyond, times 1 / sqrt(high * numbers per step). Esser et al.:
    Learned step size quantization, 2020, https://arxiv.org/abs/1902.08153

    Args:
        x: float32 tensor of known shape, but perhaps for its first axis.
        step: positive, float32, broadcasts with x.
        low: smallest integer, such as -128, or 0 for activations.
        high: largest integer, positive.
    """
    numbers = math.prod(int(length) for length in x.shape if length) // max(1, math.prod(step.shape))
    step = scaled_gradient(step, 1.0 / math.sqrt(max(1, numbers) * high))
    limited = ops.clip(x / step, float(low), float(high))
    return straight_through(ops.round, limited) * step


def learned_limit(x: Tensor, limit: Tensor, width: int) -> Tensor:
    """Returns x between 0 and a limit in 2^width - 1 even steps; the limit learns from the numbers beyond it.

    Choi et al.: PACT: parameterized clipping activation for quantized neural networks, 2018,
    https://arxiv.org/abs/1805.06085

    Args:
        x: float32 tensor of any shape.
        limit: positive, float32, broadcasts with x.
        width: bits, 1 to 16.
    """
    limited = ops.where(x < limit, ops.maximum(x, 0.0), limit)
    step = ops.stop_gradient(limit) / ((1 << width) - 1)
    return straight_through(lambda numbers: ops.round(numbers / step) * step, limited)


def _upstream(args: tuple[Tensor, ...], upstream: Tensor | None) -> Tensor:
    """Returns the gradient from above, which backends hand over by position or by name."""
    return args[0] if upstream is None else upstream
