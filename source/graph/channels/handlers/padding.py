"""Padding by an operation: along places, channels stay as they are; along channels, the new ones stay."""

import keras
import numpy as np

from source.graph.channels.flow import Flow
from source.graph.channels.handler import Handler
from source.graph.trace import Step


class Padding(Handler):
    """`keras.ops.pad`, whose widths hold for whatever number of channels."""

    names = ("Pad",)

    def follow(self, step: Step, flow: Flow) -> None:
        """Passes the channels on, with new ones before and after them."""
        tensor, [output] = step.inputs[0], step.outputs
        axis = flow.axis_of(tensor)
        before, after = _widths(step, len(tensor.shape))[axis]
        labels = flow.channels(tensor, axis)
        if before or after:
            new = flow.classes.fresh(before + after)
            flow.fix(new, f"`{step.path}` puts constants there")
            labels = np.concatenate([new[:before], labels, new[before:]])
            if step.operation.mode != "constant":
                flow.fix(labels, f"`{step.path}` repeats some of them")
        flow.put_channels(output, labels, axis)


def _widths(step: Step, rank: int) -> list[tuple[int, int]]:
    width = step.operation.pad_width
    pairs = keras.tree.map_structure(int, width)
    if isinstance(pairs, int):
        return [(pairs, pairs)] * rank
    if isinstance(pairs[0], int):
        return [(pairs[0], pairs[-1])] * rank
    return [tuple(pair) for pair in pairs] if len(pairs) == rank else [tuple(pairs[0])] * rank


HANDLER = Padding()
