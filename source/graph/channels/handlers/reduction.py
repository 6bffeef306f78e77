"""Means, sums and other reductions: over places they leave channels as they are; over channels, nothing of them."""

import keras

from source.graph.channels.flow import Flow
from source.graph.channels.handler import Handler
from source.graph.trace import Step


class Reduction(Handler):
    """Operations with `axis` and perhaps `keepdims`."""

    names = (
        *("Mean", "Sum", "Max", "Min", "Prod", "Var", "Std", "Any", "All", "Median", "Amax", "Amin", "Logsumexp"),
        *("CountNonzero", "Average", "Norm", "Argmax", "Argmin", "Moments"),
    )

    def follow(self, step: Step, flow: Flow) -> None:
        """Passes the channels on where all of them are left, and fixes them where they are reduced."""
        tensor = step.inputs[0]
        if _reduces(step, flow.axis_of(tensor), len(tensor.shape)):
            flow.fix(flow.of(tensor), f"`{step.path}` makes one of all of them")
            for output in step.outputs:
                flow.put_opaque(output, f"`{step.path}` makes it of others")
            return
        labels = flow.channels(tensor, flow.axis_of(tensor))
        for output in step.outputs:
            flow.put_channels(output, labels, _axis_after(step, flow.axis_of(tensor), tensor, output))


def _axes(step: Step, rank: int) -> list[int]:
    axis = getattr(step.operation, "axis", getattr(step.operation, "axes", None))
    if axis is None:
        return list(range(rank))
    return [each % rank for each in (axis if isinstance(axis, (list, tuple)) else [axis])]


def _reduces(step: Step, axis: int, rank: int) -> bool:
    return axis % rank in _axes(step, rank) or 0 in _axes(step, rank)


def _axis_after(step: Step, axis: int, tensor: keras.KerasTensor, output: keras.KerasTensor) -> int:
    """Returns where the axis of channels, counted from the end, is when others are gone."""
    if len(output.shape) == len(tensor.shape):
        return axis
    rank = len(tensor.shape)
    return axis + sum(each > axis % rank for each in _axes(step, rank))


HANDLER = Reduction()
