"""Sums, products and the like of several tensors: channels at the same place go together."""

import keras
import numpy as np

from source.graph.channels.flow import Flow
from source.graph.channels.handler import Handler, constants_of, follow_not
from source.graph.trace import Step

_LAYERS = keras.layers


class Elementwise(Handler):
    """Ties what meets; a channel that is spread over several others stays."""

    kinds = (_LAYERS.Add, _LAYERS.Subtract, _LAYERS.Multiply, _LAYERS.Average, _LAYERS.Maximum, _LAYERS.Minimum)
    names = (
        *("Add", "Subtract", "Multiply", "Divide", "TrueDivide", "FloorDivide", "Mod", "Maximum", "Minimum", "Power"),
        *("Where", "Greater", "GreaterEqual", "Less", "LessEqual", "Equal", "NotEqual", "LogicalAnd", "LogicalOr"),
        *("LogicalXor", "Logaddexp", "SquaredDifference", "Hypot", "Arctan2", "CustomScaleLayer"),
    )

    def follow(self, step: Step, flow: Flow) -> None:
        """Ties the labels of the inputs, spread to the shape of the output."""
        [output] = step.outputs
        rank = len(output.shape) - 1
        layer = isinstance(step.operation, keras.layers.Layer)
        if not layer and any(len(each.shape) - 1 != rank for each in step.inputs):
            follow_not(step, flow, f"`{step.path}` takes tensors of several ranks")
            return
        # Layers put axes of length 1 behind the batch until the ranks are equal.
        operands = [_aligned(flow.of(each), rank) for each in step.inputs]
        lengths = [(1,) * (rank + 1 - len(each.shape)) + tuple(each.shape[1:]) for each in step.inputs]
        shape = np.broadcast_shapes(*(each.shape for each in operands))
        whole = []
        for operand, own in zip(operands, lengths, strict=True):
            if any(length == 1 and wide > 1 for length, wide in zip(own, shape, strict=True)):
                flow.fix(operand, f"`{step.path}` spreads it over many")
            else:
                whole.append(np.broadcast_to(operand, shape))
        for other in whole[1:]:
            flow.classes.tie(whole[0], other)
        labels = whole[0] if whole else np.broadcast_to(operands[0], shape)
        if any(constant.size > 1 for constant in constants_of(step)):
            flow.fix(labels, f"`{step.path}` takes a constant for each of them")
        flow.put(output, labels)


def _aligned(labels: np.ndarray, rank: int) -> np.ndarray:
    return labels.reshape((1,) * (rank - labels.ndim) + labels.shape)


HANDLER = Elementwise()
