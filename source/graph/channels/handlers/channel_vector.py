"""Layers that have one number for each channel: scales of branches, slopes."""

from typing import Any

import keras

from source.graph.channels.flow import Flow
from source.graph.channels.handler import Handler, Kept
from source.graph.trace import Step


class ChannelVector(Handler):
    """`LayerScale` of ConvNeXt, and `PReLU`, whose slopes may differ from place to place."""

    kinds = (keras.layers.PReLU,)
    names = ("LayerScale",)

    def follow(self, step: Step, flow: Flow) -> None:
        """Passes the channels on, and finds the site of the vector."""
        layer, [tensor] = step.operation, step.inputs
        axis = flow.axis_of(tensor)
        labels = flow.channels(tensor, axis)
        weight = "alpha" if isinstance(layer, keras.layers.PReLU) else "gamma"
        shape = tuple(getattr(layer, weight).shape)
        if shape[axis] == len(labels):
            flow.site(step.path, layer, weight, len(shape) + axis, labels)
        flow.put_channels(step.outputs[0], labels, axis)

    def changed(self, step: Step, flow: Flow, kept: Kept) -> dict[str, Any]:
        """Returns `projection_dim` of a `LayerScale`."""
        if isinstance(step.operation, keras.layers.PReLU):
            return {}
        return {"projection_dim": int(kept(flow.channels(step.inputs[0])).sum())}


HANDLER = ChannelVector()
