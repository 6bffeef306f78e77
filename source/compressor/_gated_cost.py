"""Products of a model whose channels are gated for each example: all of them, and those that gates leave over."""

import dataclasses
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import keras
from keras import ops

from source.graph.cost import LayerCost, cost
from source.graph.trace import Step, trace
from source.layer.channel_gate import ChannelGate
from source.surgery.wrap import inside

_GATE, _PREDICTOR = "_gate", "_saliency"
_ZERO_STAYS = ("linear", "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "tanh", "softsign")
_RELUS = ("ReLU", "LeakyReLU", "PReLU", "ELU", "Relu", "Relu6", "Silu", "Gelu", "Elu", "Selu", "LeakyRelu", "Tanh")
_POOLS = tuple(
    f"{kind}Pooling{rank}D" for kind in ("Max", "Average", "GlobalMax", "GlobalAverage") for rank in (1, 2, 3)
)
_MOVES = ("Dropout", "SpatialDropout1D", "SpatialDropout2D", "Flatten", "Identity", "ZeroPadding1D", "ZeroPadding2D")
_CROPS = ("Cropping1D", "Cropping2D", "UpSampling1D", "UpSampling2D", "Cast")


@dataclasses.dataclass(frozen=True)
class GatedCost:
    """Products of one example.

    Attributes:
        dense: of the model without gates.
        direct: of the channels that gates leave over; inputs count as zero where a gate stands before the layer, with
            activations between them at most.
        followed: the same with zeros followed through pools, dropout, flattening, sums and concatenations, too.
        predictors: of all predictors, whole; in neither of the others.
        gates: of saliencies with numbers, one for each number that a gate returns; in neither of the others.
    """

    dense: int
    direct: int
    followed: int
    predictors: int
    gates: int

    @property
    def computed(self) -> int:
        """What Keras computes: it skips nothing."""
        return self.dense + self.predictors + self.gates

    def __str__(self) -> str:
        extra = self.predictors + self.gates
        return (
            f"MACs: {self.dense:,} without gates, {self.computed:,} computed by Keras, which skips nothing; possible "
            f"on a runtime that skips channels: {self.direct + extra:,} if zeros count in the next layer alone, "
            f"{self.followed + extra:,} if they are followed through pools and dropout; {extra:,} of each for "
            "predictors and gates"
        )


def gated_cost(model: keras.Model) -> GatedCost:
    """Returns what a model with gates costs; shares of channels are those of the gates as they are.

    A kernel with a share i of its input channels and a share o of its output channels takes floor(macs i o) products.

    Args:
        model: prepared by `feature_boosting`.

    Raises:
        ConfigError: for a model that leaves lengths free.
    """
    layers = {layer.name: layer for layer in cost(model).layers}
    steps = trace(model).steps
    gates = {step.path: inside(step.operation) for step in steps if isinstance(inside(step.operation), ChannelGate)}
    predictors = {f"{path.removesuffix(_GATE)}{_PREDICTOR}" for path in gates}
    dense = sum(layer.macs or 0 for name, layer in layers.items() if name not in predictors)
    return GatedCost(
        dense=dense,
        direct=_skipping(steps, layers, gates, predictors, follow=False),
        followed=_skipping(steps, layers, gates, predictors, follow=True),
        predictors=sum(layers[path].macs or 0 for path in predictors),
        gates=sum(layers[path].activations for path in gates),
    )


def _skipping(
    steps: Sequence[Step],
    layers: dict[str, LayerCost],
    gates: dict[str, ChannelGate],
    predictors: set[str],
    follow: bool,
) -> int:
    """Returns the products that are left over."""
    shares: dict[int, Fraction] = {}
    entering: dict[str, Fraction] = {}
    for step in steps:
        inputs = [shares.get(id(each), Fraction(1)) for each in step.inputs]
        entering[step.path] = max([entering.get(step.path, Fraction(0)), *inputs[:1]])
        outputs = inputs if step.operation is None else [_share(step, inputs, follow)] * len(step.outputs)
        for tensor, share in zip(step.outputs, outputs, strict=False):
            shares[id(tensor)] = share
    return sum(
        int((layer.macs or 0) * entering.get(name, Fraction(1)) * _open(gates.get(f"{name}{_GATE}")))
        for name, layer in layers.items()
        if name not in predictors
    )


def _open(gate: ChannelGate | None) -> Fraction:
    return Fraction(1) if gate is None else Fraction(int(ops.convert_to_numpy(gate.kept)), gate.channels)


def _share(step: Step, inputs: list[Fraction], follow: bool) -> Fraction:
    """Returns which share of the channels of an operation's output is not zero, at most."""
    operation = inside(step.operation)
    kind = type(operation).__name__
    if isinstance(operation, ChannelGate):
        return _open(operation)
    if not inputs:
        return Fraction(1)
    if kind in _RELUS or (kind == "Activation" and _name(operation) in _ZERO_STAYS):
        return inputs[0]
    if not follow:
        return Fraction(1)
    if kind in (*_POOLS, *_MOVES, *_CROPS):
        return inputs[0]
    if kind in ("Add", "Concatenate"):
        return _joined(kind, step, inputs)
    return min(inputs) if kind == "Multiply" else Fraction(1)


def _joined(kind: str, step: Step, inputs: list[Fraction]) -> Fraction:
    if len(inputs) < len(keras.tree.flatten(step.args)) and kind == "Add":
        return Fraction(1)  # a number is added
    if kind == "Add":
        return min(Fraction(1), sum(inputs, Fraction(0)))
    widths = [int(each.shape[-1] or 1) for each in step.inputs]
    return sum((share * width for share, width in zip(inputs, widths, strict=True)), Fraction(0)) / sum(widths)


def _name(layer: Any) -> str:
    return str(getattr(layer.activation, "__name__", ""))
