"""Gates that let through the channels with the largest saliencies: a channel, and its saliency, go together."""

import keras

from source.graph.channels.flow import Flow
from source.graph.channels.handler import Handler
from source.graph.trace import Step
from source.layer.channel_gate import ChannelGate as Layer


class ChannelGate(Handler):
    """Sign and offset for each channel. With fewer channels, as many are let through, but not always the same."""

    kinds = (Layer,)

    def follow(self, step: Step, flow: Flow) -> None:
        """Ties channels with their saliencies, and finds the sites of both vectors."""
        layer, [tensor, saliency] = step.operation, step.inputs
        axis = layer.axis % len(tensor.shape) - len(tensor.shape)
        labels = flow.channels(tensor, axis)
        flow.classes.tie(labels, flow.channels(saliency))
        for weight in ("beta", "sign"):
            flow.site(step.path, layer, weight, 0, labels)
        if layer.density < 1 or int(keras.ops.convert_to_numpy(layer.kept)) < len(labels):
            flow.doubt(labels, f"`{step.path}` lets some of them through: without one, another may have its place")
        flow.put_channels(step.outputs[0], labels, axis)


HANDLER = ChannelGate()
