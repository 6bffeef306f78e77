"""The even steps that an operation of a finished model rounds activations to."""

import dataclasses

import numpy as np
from keras import ops

from source.config.errors import ConfigError
from source.exporter.integer_lowering._nodes import Node
from source.layer.calibrated_quantize import CalibratedQuantize
from source.layer.fake_quantize import FakeQuantize
from source.layer.learned_quantize import LearnedLimit, LearnedStep
from source.numeric.fixed_point import FixedPoint
from source.numeric.mid_tread import MidTreadHalf


@dataclasses.dataclass(frozen=True)
class Steps:
    """Numbers scale * (code - zero point).

    Attributes:
        low: smallest code.
        high: largest code.
        scale: positive, a float32 value.
        zero_point: code of zero.
    """

    low: int
    high: int
    scale: float
    zero_point: int

    @property
    def bits(self) -> int:
        """Bits of a code."""
        return (self.high - self.low).bit_length()

    def nearest(self, number: float) -> int:
        """Returns the code of the nearest of the numbers.

        Args:
            number: finite.
        """
        return int(np.clip(np.floor(number / self.scale + 0.5) + self.zero_point, self.low, self.high))


def is_rounding(node: Node) -> bool:
    """Returns whether a call rounds an activation.

    Args:
        node: of a finished model.
    """
    return node.kind == "FakeQuantWithMinMaxVars" or isinstance(
        node.operation, (CalibratedQuantize, FakeQuantize, LearnedLimit, LearnedStep)
    )


def steps_of(node: Node) -> Steps:
    """Returns the steps that a call rounds to.

    Args:
        node: one that rounds.

    Raises:
        ConfigError: for numbers that are not evenly spaced, or whose scale follows the batch.
    """
    layer = node.operation
    if node.kind == "FakeQuantWithMinMaxVars":
        low, high = (each for each in node.settings if isinstance(each, float))
        config = layer.get_config()
        return affine(low, high, int(config["num_bits"]), bool(config["narrow_range"]))
    if isinstance(layer, CalibratedQuantize):
        if not _number(layer.known):
            raise ConfigError(f"Layer `{node.name}` has no limits: it was neither trained nor calibrated.")
        return affine(_number(layer.low), _number(layer.high), layer.width, layer.symmetric)
    if isinstance(layer, LearnedLimit):
        limit = _number(layer.value)
        return affine(-limit if layer.signed else 0.0, limit, layer.width, layer.signed)
    if isinstance(layer, LearnedStep) and layer.axis is None:
        return Steps(layer.low, layer.high, _number(layer.value), 0)
    return _steps_of_format(node)


def affine(low: float, high: float, width: int, narrow: bool = False) -> Steps:
    """Returns the steps of `fake_quant_with_min_max_vars`: limits moved so that zero is one of them.

    Codes of 8 bits have a sign, as those of converters; codes of fewer bits have one unless they begin at zero.

    Args:
        low: smallest number, at most 0.
        high: largest number, at least 0.
        width: bits.
        narrow: whether the lowest code is left out.
    """
    first, last = int(narrow), (1 << width) - 1
    # Limits and zero point in float32, as TensorFlow rounds; the step rounded once, as LiteRT's converter has it.
    lowest, highest = np.float32(low), np.float32(high)
    scale = float(np.float32((float(highest) - float(lowest)) / (last - first)))
    from_low = np.float32(first) - lowest / ((highest - lowest) / np.float32(last - first))
    zero_point = int(np.clip(np.floor(from_low + np.float32(0.5)), first, last))
    offset = zero_point if width < 8 and zero_point == first else 1 << (width - 1)
    return Steps(first - offset, last - offset, scale, zero_point - offset)


def _steps_of_format(node: Node) -> Steps:
    number_format = getattr(node.operation, "format", None)
    plain = type(node.operation) is FakeQuantize
    if plain and isinstance(number_format, MidTreadHalf) and number_format.width <= 8:
        highest = (1 << number_format.width) - 1
        return Steps(0, highest, float(np.float32(number_format.maximum / highest)), 0)
    if plain and isinstance(number_format, FixedPoint) and number_format.clamp and number_format.width <= 16:
        return Steps(number_format.lowest, number_format.highest, 2.0**-number_format.fraction, 0)
    raise ConfigError(
        f"Layer `{node.name}` rounds to {number_format or node.kind}, which are no even steps that are the same for "
        "all inputs. Round activations with limits or steps that are calibrated or trained, or to fixed point."
    )


def _number(variable: object) -> float:
    return float(ops.convert_to_numpy(variable))
