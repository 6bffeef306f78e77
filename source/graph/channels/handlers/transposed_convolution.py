"""Transposed convolutions: as convolutions, with the two axes of channels changed over."""

from typing import Any

import keras

from source.graph.channels.flow import Flow
from source.graph.channels.handler import Handler, Kept, channel_axis
from source.graph.trace import Step


class TransposedConvolution(Handler):
    """Kernel (..., out, in)."""

    kinds = (keras.layers.Conv1DTranspose, keras.layers.Conv2DTranspose, keras.layers.Conv3DTranspose)

    def follow(self, step: Step, flow: Flow) -> None:
        """Makes the outputs, and finds the sites of kernel and bias."""
        layer, [tensor] = step.operation, step.inputs
        axis = channel_axis(layer, tensor)
        leaving = flow.made_by(step.path, layer.filters)
        rank = len(layer.kernel.shape)
        flow.site(step.path, layer, "kernel", rank - 1, flow.channels(tensor, axis))
        flow.site(step.path, layer, "kernel", rank - 2, leaving)
        if layer.use_bias:
            flow.site(step.path, layer, "bias", 0, leaving)
        flow.put_channels(step.outputs[0], leaving, axis)

    def changed(self, step: Step, flow: Flow, kept: Kept) -> dict[str, Any]:
        """Returns `filters`."""
        return {"filters": int(kept(flow.producers[step.path]).sum())}


HANDLER = TransposedConvolution()
