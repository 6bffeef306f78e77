"""Rounding to integers whose step, or whose limit, is trained with the weights."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from source.config.errors import ConfigError
from source.layer.transformation import Tensor, Transformation
from source.numeric import gradient

_SMALLEST = 2.0**-40  # a number that training has driven to zero or below would divide by zero
_SAMPLE = 1 << 18  # numbers from which a step is chosen: its error then varies by less than 1 %


class _Learned(Transformation):
    """What learned quantizers share: one trained number, for the tensor or for each index of an axis.

    Attributes:
        width: bits, 2 to 16.
        signed: whether there are numbers below zero.
        axis: whose indices have a number each; None for one for the tensor.
    """

    _name: str

    def __init__(self, width: int, signed: bool = True, axis: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 2 <= width <= 16:
            raise ConfigError(f"`width` of integers must be in [2, 16]. Received: width={width}.")
        self.width = width
        self.signed = signed
        self.axis = axis
        self._sample: list[np.ndarray] = []

    @property
    def low(self) -> int:
        """The smallest integer: -(2^(width - 1) - 1), or 0."""
        return -self.high if self.signed else 0

    @property
    def high(self) -> int:
        """The largest integer: 2^(width - 1) - 1, or 2^width - 1 without sign."""
        return (1 << (self.width - 1)) - 1 if self.signed else (1 << self.width) - 1

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the trained number."""
        super().build(input_shape)
        shape: list[int | None] = [1] * len(input_shape) if self.axis is not None else []
        if self.axis is not None:
            shape[self.axis] = input_shape[self.axis]
        self.value = self.add_weight(name=self._name, shape=tuple(shape), initializer="ones", trainable=True)

    def calibrate(self, x: np.ndarray) -> None:
        """Sets the step that rounds x with the least squared error, of 64 shares of max |x| / high."""
        x = np.asarray(x, np.float32)
        axes = None if self.axis is None else tuple(a for a in range(x.ndim) if a != self.axis % x.ndim)
        largest = np.maximum(np.abs(x).max(axis=axes, keepdims=self.axis is not None), _SMALLEST)
        steps = np.stack([np.float32(share / 64.0) * largest / np.float32(self.high) for share in range(1, 65)])
        errors = np.stack([self._error(x, step, axes) for step in steps])
        best = np.argmin(errors, axis=0)[np.newaxis]
        self._set(np.take_along_axis(steps, best, axis=0)[0])

    def collect(self, x: np.ndarray) -> None:
        """Keeps a share of the batch, spread evenly."""
        self._sample.append(x.reshape(-1)[:: max(1, x.size * 8 // _SAMPLE)] if self.axis is None else x)

    def end_collection(self) -> None:
        """Sets the trained number for what was collected."""
        super().end_collection()
        if self._sample:
            self.calibrate(np.concatenate(self._sample))
            self._sample = []

    @property
    def code_bits(self) -> float | None:
        """Bits of a code."""
        return self.width

    def scale_bytes(self, shape: Sequence[int]) -> int:
        """Returns the bytes of the steps, float32."""
        return 4 * math.prod(self.value.shape)

    @property
    def description(self) -> str:
        """The name of the integers and of what is trained."""
        return f"{'int' if self.signed else 'uint'}{self.width} learned {self._name}"

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments as plain values."""
        return {**super().get_config(), "width": self.width, "signed": self.signed, "axis": self.axis}

    def _set(self, step: np.ndarray) -> None:
        raise NotImplementedError

    def _error(self, x: np.ndarray, step: np.ndarray, axes: tuple[int, ...] | None) -> np.ndarray:
        rounded = np.clip(np.rint(x / step), self.low, self.high) * step
        return np.square(rounded - x).sum(axis=axes, keepdims=axes is not None, dtype=np.float64)


@keras.saving.register_keras_serializable(package="espalier")
class LearnedStep(_Learned):
    """round(clip(x / step, low, high)) * step with a trained step.

    Esser et al.: Learned step size quantization, 2020, https://arxiv.org/abs/1902.08153
    """

    _name = "step"

    def transform(self, x: Tensor, training: bool) -> Tensor:
        """Returns x rounded."""
        step = ops.maximum(ops.convert_to_tensor(self.value), _SMALLEST)
        return gradient.learned_step(x, step, self.low, self.high)

    def _set(self, step: np.ndarray) -> None:
        self.value.assign(np.reshape(step, self.value.shape))


@keras.saving.register_keras_serializable(package="espalier")
class LearnedLimit(_Learned):
    """x between a trained limit and its negative, or zero, in even steps; the limit learns from the numbers beyond it.

    Choi et al.: PACT: parameterized clipping activation for quantized neural networks, 2018,
    https://arxiv.org/abs/1805.06085. It costs one pass over the tensor in each direction. The gradient of the limit, a
    sum over all numbers beyond it, is divided by sqrt(numbers of an example * high), as that of a learned step is:
    without, the limits of a ResNet-20 diverge within 100 steps at a learning rate of 0.01 and a distillation loss.
    """

    _name = "limit"

    def __init__(self, width: int, signed: bool = False, axis: int | None = None, **kwargs: Any) -> None:
        super().__init__(width, signed, axis, **kwargs)
        if axis is not None:
            raise ConfigError(f"A learned limit is one for the tensor. Received: axis={axis}; use a learned step.")

    def transform(self, x: Tensor, training: bool) -> Tensor:
        """Returns x rounded."""
        numbers = math.prod(int(length) for length in x.shape[1:] if length)
        limit = ops.maximum(ops.convert_to_tensor(self.value), _SMALLEST)
        limit = gradient.scaled_gradient(limit, 1.0 / math.sqrt(numbers * self.high))
        low = -limit if self.signed else ops.zeros_like(limit)
        return keras.quantizers.fake_quant_with_min_max_vars(
            x, low, limit, num_bits=self.width, narrow_range=self.signed
        )

    def _set(self, step: np.ndarray) -> None:
        self.value.assign(step * self.high)
