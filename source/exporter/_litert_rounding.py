"""How activations of a finished model are rounded, as a converter to 8-bit integers reads it."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from source.layer.calibrated_quantize import CalibratedQuantize
from source.layer.learned_quantize import LearnedLimit, LearnedStep

_SMALLEST = 2.0**-40  # what learned steps and limits are at least


@dataclasses.dataclass(frozen=True)
class Rounding:
    """Rounding to 256 steps, or 255, between limits; fewer bits are steps of the same size that end earlier.

    Attributes:
        low: smallest number.
        high: largest number that the code could mean.
        narrow: whether the smallest code is left out, so that limits may be symmetric.
        most: largest number that is let through; None for `high`.
    """

    low: float
    high: float
    narrow: bool = False
    most: float | None = None

    def emit(self, x: Any, *_: Any) -> Any:
        """Returns x rounded, as operations that a converter knows.

        Args:
            x: symbolic tensor.
        """
        rounded = self.steps(x)
        return rounded if self.most is None else self.steps(ops.minimum(rounded, np.float32(self.most)))

    def steps(self, x: Any) -> Any:
        """Returns x rounded, with 256 steps however many bits there are.

        Args:
            x: symbolic tensor.
        """
        return keras.quantizers.fake_quant_with_min_max_vars(x, self.low, self.high, narrow_range=self.narrow)


def is_rounding(operation: Any) -> bool:
    """Returns whether an operation rounds activations to integers of 8 bits or fewer.

    Args:
        operation: of a model without wrappers.
    """
    return type(operation).__name__ == "FakeQuantWithMinMaxVars" or rounding_of(operation) is not None


def rounding_of(operation: Any) -> Rounding | None:
    """Returns what a layer that rounds activations does; None for others, for more than 8 bits, and for many scales.

    Args:
        operation: of a model without wrappers.
    """
    if not isinstance(operation, (CalibratedQuantize, LearnedStep, LearnedLimit)) or operation.width > 8:
        return None
    if isinstance(operation, CalibratedQuantize):
        low, high, known = (_number(each) for each in (operation.low, operation.high, operation.known))
        return _between(low, high, operation.width, operation.symmetric) if known else None
    if operation.axis is not None:
        return None
    value = max(_number(operation.value), _SMALLEST)
    if isinstance(operation, LearnedStep):
        return _of_steps(value, operation.low, operation.high)
    return _between(-value if operation.signed else 0.0, value, operation.width, operation.signed)


def limits_in(config: Mapping[str, Any]) -> dict[str, Rounding]:
    """Returns the rounding of each operation `fake_quant_with_min_max_vars` of a model, by its name.

    Args:
        config: of a functional model.
    """
    found = {}
    for each in config["layers"]:
        if each["class_name"] == "FakeQuantWithMinMaxVars" and each["inbound_nodes"]:
            call = each["inbound_nodes"][0]
            limits = [*call["args"][1:], *(call["kwargs"].get(name) for name in ("min_vals", "max_vals"))]
            numbers = [float(limit) for limit in limits if isinstance(limit, (int, float))]
            if len(numbers) == 2:
                found[each["name"]] = Rounding(numbers[0], numbers[1], bool(each["config"].get("narrow_range")))
    return found


def _between(low: float, high: float, width: int, narrow: bool) -> Rounding:
    """Returns the rounding to the steps between limits, of which zero is made one.

    The formula is that of `tf.quantization.fake_quant_with_min_max_vars`,
    https://www.tensorflow.org/api_docs/python/tf/quantization/fake_quant_with_min_max_args
    """
    if width == 8:
        return Rounding(low, high, narrow)
    first, last = int(narrow), (1 << width) - 1
    step = (high - low) / (last - first) or 1.0
    zero = min(max(round(first - low / step), first), last)
    return _of_steps(step, first - zero, last - zero)


def _of_steps(step: float, low: int, high: int) -> Rounding:
    if high - low == 254:
        return Rounding(low * step, high * step, narrow=True)
    return Rounding(low * step, (low + 255) * step, most=None if high - low == 255 else high * step)


def _number(variable: Any) -> float:
    return float(ops.convert_to_numpy(variable))
