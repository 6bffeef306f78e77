"""Concatenation: channels of one tensor after those of another; or, along other axes, the same channels."""

import keras
import numpy as np

from source.graph.channels.flow import Flow
from source.graph.channels.handler import Handler, follow_not
from source.graph.trace import Step


class Concatenation(Handler):
    """Along any axis but the batch."""

    kinds = (keras.layers.Concatenate,)
    names = ("Concatenate",)

    def follow(self, step: Step, flow: Flow) -> None:
        """Puts the labels one behind the other, or ties them."""
        [output] = step.outputs
        rank = len(output.shape)
        axis = step.operation.axis % rank - rank
        if axis == -rank:
            follow_not(step, flow, f"`{step.path}` joins batches")
            return
        axes = [flow.axis_of(tensor) for tensor in step.inputs if flow.of(tensor).size > 1] or [axis]
        lines = [flow.channels(tensor, axes[0]) for tensor in step.inputs]
        if axis == axes[0]:
            flow.put_channels(output, np.concatenate(lines), axis)
            return
        for line in lines[1:]:
            flow.classes.tie(lines[0], line)
        flow.put_channels(output, lines[0], axes[0])


HANDLER = Concatenation()
