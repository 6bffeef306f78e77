"""Activations that only cut numbers off, which the limits of codes do."""

import dataclasses
import math

import keras

from source.config.errors import ConfigError
from source.exporter.integer_lowering._nodes import Node
from source.exporter.integer_lowering._steps import Steps

_CUTS = {"linear": (-math.inf, math.inf), "relu": (0.0, math.inf), "relu6": (0.0, 6.0)}
_IDENTITIES = ("Dropout", "Identity", "SpatialDropout2D", "GaussianDropout", "GaussianNoise", "ActivityRegularization")


@dataclasses.dataclass(frozen=True)
class Cut:
    """min(max(x, low), high).

    Attributes:
        low: number, or minus infinity.
        high: number, or infinity.
    """

    low: float = -math.inf
    high: float = math.inf

    def within(self, other: "Cut") -> "Cut":
        """Returns this cut after another one."""
        return Cut(min(max(self.low, other.low), self.high), max(min(self.high, other.high), self.low))

    @property
    def changes(self) -> bool:
        """Whether any number is cut off."""
        return self.low > -math.inf or self.high < math.inf


def cut_of(node: Node) -> Cut | None:
    """Returns what a call cuts off, nothing for those without effect in inference; None if it does anything else.

    Args:
        node: any.

    Raises:
        ConfigError: for a ReLU that lets negative numbers through.
    """
    layer = node.operation
    if isinstance(layer, keras.layers.ReLU):
        if layer.negative_slope or layer.threshold:
            raise ConfigError(
                f"Layer `{node.name}`: ReLU with a slope or a threshold is no cut. Take ReLU with `max_value` alone."
            )
        return Cut(0.0, math.inf if layer.max_value is None else float(layer.max_value))
    if isinstance(layer, keras.layers.Activation):
        return fused_cut(node)
    if node.kind in _IDENTITIES:
        return Cut()
    is_operation = not isinstance(layer, keras.layers.Layer) and not [each for each in node.settings if each]
    return Cut(*_CUTS[node.kind.lower()]) if is_operation and node.kind in ("Relu", "Relu6") else None


def fused_cut(node: Node) -> Cut:
    """Returns what the `activation` of a layer cuts off.

    Args:
        node: a call of a layer with an activation.

    Raises:
        ConfigError: for any other function.
    """
    function = node.operation.activation
    for name, ends in _CUTS.items():
        if function is keras.activations.get(name):
            return Cut(*ends)
    name = getattr(function, "__name__", type(function).__name__)
    raise ConfigError(
        f"Layer `{node.name}`: the activation {name} has no integer operation; linear, relu and relu6 have. Leave a "
        "last softmax out of the model: it does not change which class is largest."
    )


def limits_of(steps: Steps, cut: Cut) -> tuple[int, int]:
    """Returns the smallest and the largest code that a cut leaves.

    Args:
        steps: of the output.
        cut: what activations cut off.
    """
    low = steps.nearest(cut.low) if cut.low > -math.inf else steps.low
    return low, max(low, steps.nearest(cut.high) if cut.high < math.inf else steps.high)
