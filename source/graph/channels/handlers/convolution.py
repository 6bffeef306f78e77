"""Convolutions: what comes out is made anew from all that goes in; in groups, from a part of it."""

from typing import Any

import keras
import numpy as np

from source.graph.channels.flow import Flow
from source.graph.channels.handler import Handler, Kept, channel_axis
from source.graph.trace import Step


class Convolution(Handler):
    """Kernel (..., in, out).

    With as many groups as inputs, an output goes with its input. With fewer, the same place goes from every group, so
    that groups stay equally large.
    """

    kinds = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)

    def follow(self, step: Step, flow: Flow) -> None:
        """Makes the outputs, and finds the sites of kernel and bias."""
        layer, [tensor] = step.operation, step.inputs
        axis = channel_axis(layer, tensor)
        entering = flow.channels(tensor, axis)
        by_input = layer.groups > 1 and layer.groups == len(entering)
        if by_input:
            leaving = np.repeat(entering, layer.filters // layer.groups)
            flow.producers.setdefault(step.path, leaving)
        else:
            leaving = flow.made_by(step.path, layer.filters)
        if layer.groups > 1 and not by_input:
            for labels in (entering, leaving):
                rows = labels.reshape(layer.groups, -1)
                flow.classes.tie(rows[1:], rows[:1])
        rank = len(layer.kernel.shape)
        if not by_input:
            flow.site(step.path, layer, "kernel", rank - 2, entering[: len(entering) // layer.groups])
        flow.site(step.path, layer, "kernel", rank - 1, leaving)
        if layer.use_bias:
            flow.site(step.path, layer, "bias", 0, leaving)
        flow.put_channels(step.outputs[0], leaving, axis)

    def changed(self, step: Step, flow: Flow, kept: Kept) -> dict[str, Any]:
        """Returns `filters`, and `groups` where each input is one."""
        layer, [tensor] = step.operation, step.inputs
        found = {"filters": int(kept(flow.producers[step.path]).sum())}
        entering = flow.channels(tensor, channel_axis(layer, tensor))
        if layer.groups > 1 and layer.groups == len(entering):
            found["groups"] = int(kept(entering).sum())
        return found


HANDLER = Convolution()
