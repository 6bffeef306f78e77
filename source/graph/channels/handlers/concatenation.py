"""Concatenation: channels of one tensor after those of another; or, along other axes, the same channels."""

import keras
import numpy as np

from source.graph.channels.flow import Flow
from source.graph.channels.handler import Handler
from source.graph.trace import Step


class Concatenation(Handler):
    """Along any axis but the batch."""

    kinds = (keras.layers.Concatenate,)
    names = ("Concatenate",)

    def follow(self, step: Step, flow: Flow) -> None:
        """Puts the labels one behind the other, or ties them."""
        [output] = step.outputs
        rank = len(output.shape)
        axis = step.operation.axis % rank
        if axis == 0:
            flow.fix(flow.of(step.inputs[0]), f"`{step.path}` joins batches")
        parts = []
        for tensor in step.inputs:
            labels = flow.of(tensor)
            length = tensor.shape[axis]
            wanted = [*labels.shape]
            wanted[axis - 1] = length if length is not None else labels.shape[axis - 1]
            parts.append(np.broadcast_to(labels, wanted))
        if axis == rank - 1 or any(part.shape[-1] == 1 for part in parts):
            others = np.broadcast_shapes(*(_without(part.shape, axis - 1) for part in parts))
            spread = [np.broadcast_to(part, _with(others, axis - 1, part.shape[axis - 1])) for part in parts]
            flow.put(output, np.concatenate(spread, axis=axis - 1))
            return
        lines = [flow.channels(tensor) for tensor in step.inputs]
        for line in lines[1:]:
            flow.classes.tie(lines[0], line)
        flow.put_channels(output, lines[0])


def _without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return tuple(1 if index == axis else length for index, length in enumerate(shape))


def _with(shape: tuple[int, ...], axis: int, length: int) -> tuple[int, ...]:
    return tuple(length if index == axis else each for index, each in enumerate(shape))


HANDLER = Concatenation()
