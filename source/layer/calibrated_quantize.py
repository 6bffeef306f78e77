"""Rounding of activations to affine integers within limits that follow the batches, or were calibrated."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from source.config.errors import ConfigError
from source.layer.transformation import Tensor, Transformation
from source.numeric.calibration import MinMax, Observer


@keras.saving.register_keras_serializable(package="espalier")
class CalibratedQuantize(Transformation):
    """Rounds to 2^width even steps between limits; zero is one of the steps.

    The limits are moving averages of the ends of each training batch, low <- momentum * low + (1 - momentum) * min,
    from the first batch on, until they are frozen; Jacob et al.: Quantization and training of neural networks for
    efficient integer-arithmetic-only inference, 2018, https://arxiv.org/abs/1712.05877. Before there are any, the ends
    of the batch at hand serve. Gradients pass within the limits and stop beyond. The rounding is
    `keras.quantizers.fake_quant_with_min_max_vars`, which converters to integer models understand.

    Attributes:
        width: bits, 2 to 16.
        symmetric: whether -limit and limit bound the numbers, so that the zero point is 0 for int8.
        positive: whether numbers are known to be at least 0, as after ReLU.
        momentum: of the averages, in [0, 1).
    """

    def __init__(
        self, width: int = 8, symmetric: bool = False, positive: bool = False, momentum: float = 0.99, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if not 2 <= width <= 16:
            raise ConfigError(f"`width` of integers must be in [2, 16]. Received: width={width}.")
        if not 0.0 <= momentum < 1.0:
            raise ConfigError(f"`momentum` must be in [0, 1). Received: momentum={momentum}.")
        self.width = width
        self.symmetric = symmetric
        self.positive = positive and not symmetric
        self.momentum = momentum
        self.observer: Observer | None = None

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the limits, and whether they are known and frozen."""
        super().build(input_shape)
        settings: dict[str, Any] = {"shape": (), "trainable": False, "initializer": "zeros"}
        self.low = self.add_weight(name="low", aggregation="mean", **settings)
        self.high = self.add_weight(name="high", aggregation="mean", **settings)
        # Numbers, not truth values: averaging over replicas is defined for these.
        self.known = self.add_weight(name="known", aggregation="mean", **settings)
        self.frozen = self.add_weight(name="frozen", aggregation="mean", **settings)

    def transform(self, x: Tensor, training: bool) -> Tensor:
        """Returns x rounded, having followed it in a training step."""
        low, high = self._limits(x, training)
        return keras.quantizers.fake_quant_with_min_max_vars(
            x, low, high, num_bits=self.width, narrow_range=self.symmetric
        )

    def calibrate(self, x: np.ndarray) -> None:
        """Sets the limits to the ends of x."""
        self.set_limits(float(np.min(x)), float(np.max(x)))

    def begin_collection(self) -> None:
        """Begins to observe."""
        super().begin_collection()
        self.observer = self.observer or MinMax()

    def collect(self, x: np.ndarray) -> None:
        """Shows a batch to the observer."""
        if self.observer is not None:
            self.observer.observe(x)

    def end_collection(self) -> None:
        """Sets the limits that the observer found."""
        super().end_collection()
        if self.observer is not None:
            low, high = self.observer.limits()
            self.set_limits(float(low), float(high))
            self.observer = None

    def set_limits(self, low: float, high: float) -> None:
        """Sets the limits; zero is made to lie between them.

        Args:
            low: smallest number.
            high: largest number.
        """
        low, high = min(low, 0.0), max(high, 0.0)
        low, high = (-max(-low, high), max(-low, high)) if self.symmetric else (low, high)
        self.low.assign(low)
        self.high.assign(high)
        self.known.assign(1.0)

    def freeze(self) -> None:
        """Keeps the limits as they are from now on."""
        self.frozen.assign(ops.convert_to_tensor(self.known))

    def lasting(self) -> Callable[[keras.KerasTensor], keras.KerasTensor] | None:
        """Returns the rounding as an operation of Keras, or as a layer of its own where Keras has none."""
        # Keras forgets the width and the range of an operation that is saved with a model, so 8 bits are kept only.
        if self.width != 8 or self.symmetric or not float(ops.convert_to_numpy(self.known)):
            return super().lasting()
        low, high = (float(ops.convert_to_numpy(each)) for each in (self.low, self.high))
        return lambda x: keras.quantizers.fake_quant_with_min_max_vars(x, low, high)

    @property
    def description(self) -> str:
        """The name of the integers."""
        return f"{'int' if self.symmetric else 'uint'}{self.width}"

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments as plain values."""
        return {
            **super().get_config(),
            "width": self.width,
            "symmetric": self.symmetric,
            "positive": self.positive,
            "momentum": self.momentum,
        }

    def _limits(self, x: Tensor, training: bool) -> tuple[Tensor, Tensor]:
        stored = ops.convert_to_tensor(self.low), ops.convert_to_tensor(self.high)
        known = ops.convert_to_tensor(self.known) > 0
        if not training:
            return ops.cond(known, lambda: stored, lambda: self._ends(x))
        ends = self._ends(x)
        # Known limits move towards the ends of the batch, unknown ones jump there, frozen ones stay.
        share = ops.where(known, 1.0 - self.momentum, 1.0) * (1.0 - ops.convert_to_tensor(self.frozen))
        low, high = (before + share * (now - before) for before, now in zip(stored, ends, strict=True))
        self.low.assign(low)
        self.high.assign(high)
        self.known.assign(ops.ones_like(share))
        return low, high

    def _ends(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = ops.stop_gradient(x)
        if self.symmetric:
            limit = ops.max(ops.abs(x))
            return -limit, limit
        low = ops.zeros(()) if self.positive else ops.minimum(ops.min(x), 0.0)
        return low, ops.maximum(ops.max(x), 0.0)
