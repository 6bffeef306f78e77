"""Sums, products and the like of several tensors: channels at the same place go together."""

from typing import Any

import keras
import numpy as np

from source.graph.channels.flow import Flow
from source.graph.channels.handler import Handler
from source.graph.trace import Step

_LAYERS = keras.layers


class Elementwise(Handler):
    """Ties what meets; a tensor with one channel that is spread over many keeps that one."""

    kinds = (*(_LAYERS.Add, _LAYERS.Subtract, _LAYERS.Multiply, _LAYERS.Average, _LAYERS.Maximum, _LAYERS.Minimum),)
    names = (
        *("Add", "Subtract", "Multiply", "Divide", "TrueDivide", "Maximum", "Minimum", "Power", "CustomScaleLayer"),
    )

    def follow(self, step: Step, flow: Flow) -> None:
        """Ties the labels of the inputs, spread to the shape of the output."""
        [output] = step.outputs
        rank = len(output.shape) - 1
        operands = [_aligned(flow.of(each), rank) for each in step.inputs]
        widths = [_aligned(np.empty([length or 0 for length in each.shape[1:]]), rank).shape for each in step.inputs]
        shape = np.broadcast_shapes(*(each.shape for each in operands))
        for operand, width in zip(operands, widths, strict=True):
            if any(own == 1 and full not in (None, 1) for own, full in zip(width, output.shape[1:], strict=True)):
                _fix_spread(operand, width, output.shape[1:], step, flow)
        full = [
            np.broadcast_to(operand, shape)
            for operand, width in zip(operands, widths, strict=True)
            if not _spreads_channels(width, output.shape[1:])
        ]
        for other in full[1:]:
            flow.classes.tie(full[0], other)
        for constant in _constants(step):
            if constant.size > 1:
                flow.fix(full[0], f"`{step.path}` takes a constant for each of them")
        flow.put(output, full[0])


def _aligned(labels: np.ndarray, rank: int) -> np.ndarray:
    return labels.reshape((1,) * (rank - labels.ndim) + labels.shape)


def _spreads_channels(width: tuple[int, ...], full: tuple[int | None, ...]) -> bool:
    return width[-1] == 1 and full[-1] not in (None, 1)


def _fix_spread(operand: np.ndarray, width: Any, full: Any, step: Step, flow: Flow) -> None:
    """Keeps a channel that is spread over others; one spread over places, as by a gate, is tied instead."""
    if _spreads_channels(width, full):
        flow.fix(operand, f"`{step.path}` spreads it over many")


def _constants(step: Step) -> list[np.ndarray]:
    given = keras.tree.flatten((step.args, step.kwargs))
    return [
        np.asarray(each)
        for each in given
        if not isinstance(each, (keras.KerasTensor, str, bool, type(None), int, float)) and hasattr(each, "shape")
    ]


HANDLER = Elementwise()
