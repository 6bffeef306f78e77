"""Separable convolutions: a depthwise kernel on the inputs, and a pointwise one that makes the outputs."""

from typing import Any

import keras
import numpy as np

from source.graph.channels.flow import Flow
from source.graph.channels.handler import Handler, Kept, channel_axis
from source.graph.trace import Step


class SeparableConvolution(Handler):
    """Depthwise kernel (..., in, multiplier), pointwise kernel (..., in multiplier, out)."""

    kinds = (keras.layers.SeparableConv1D, keras.layers.SeparableConv2D)

    def follow(self, step: Step, flow: Flow) -> None:
        """Makes the outputs, and finds the sites of both kernels and of the bias."""
        layer, [tensor] = step.operation, step.inputs
        axis = channel_axis(layer, tensor)
        entering = flow.channels(tensor, axis)
        leaving = flow.made_by(step.path, layer.filters)
        rank = len(layer.depthwise_kernel.shape)
        flow.site(step.path, layer, "depthwise_kernel", rank - 2, entering)
        flow.site(step.path, layer, "pointwise_kernel", rank - 2, np.repeat(entering, layer.depth_multiplier))
        flow.site(step.path, layer, "pointwise_kernel", rank - 1, leaving)
        if layer.use_bias:
            flow.site(step.path, layer, "bias", 0, leaving)
        flow.put_channels(step.outputs[0], leaving, axis)

    def changed(self, step: Step, flow: Flow, kept: Kept) -> dict[str, Any]:
        """Returns `filters`."""
        return {"filters": int(kept(flow.producers[step.path]).sum())}


HANDLER = SeparableConvolution()
