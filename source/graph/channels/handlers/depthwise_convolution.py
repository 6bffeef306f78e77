"""Depthwise convolutions: every channel stays its own, once or several times."""

import keras
import numpy as np

from source.graph.channels.flow import Flow
from source.graph.channels.handler import Handler, channel_axis
from source.graph.trace import Step


class DepthwiseConvolution(Handler):
    """Kernel (..., in, multiplier); output i m + j belongs to input i."""

    kinds = (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)

    def follow(self, step: Step, flow: Flow) -> None:
        """Passes the inputs on, each as often as the multiplier says."""
        layer, [tensor] = step.operation, step.inputs
        axis = channel_axis(layer, tensor)
        entering = flow.channels(tensor, axis)
        leaving = np.repeat(entering, layer.depth_multiplier)
        flow.site(step.path, layer, "kernel", len(layer.kernel.shape) - 2, entering)
        if layer.use_bias:
            flow.site(step.path, layer, "bias", 0, leaving)
        flow.put_channels(step.outputs[0], leaving, axis)


HANDLER = DepthwiseConvolution()
