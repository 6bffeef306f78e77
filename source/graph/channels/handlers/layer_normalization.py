"""Layer normalization: what a channel becomes depends on all the others."""

import keras

from source.graph.channels.flow import Flow
from source.graph.channels.handler import Handler
from source.graph.trace import Step


class LayerNormalization(Handler):
    """Over the last axis; channels may go, but mean and variance of those that stay are then others."""

    kinds = (keras.layers.LayerNormalization, keras.layers.RMSNormalization)

    def follow(self, step: Step, flow: Flow) -> None:
        """Passes the channels on, and finds the sites of scale and offset."""
        layer, [tensor] = step.operation, step.inputs
        labels = flow.channels(tensor)
        axes = layer.axis if isinstance(layer.axis, (list, tuple)) else [layer.axis]
        over_channels = [axis % len(tensor.shape) for axis in axes] == [len(tensor.shape) - 1]
        if not over_channels:
            flow.fix(flow.of(tensor), f"`{step.path}` normalizes over other axes than that of channels")
        for weight in ("gamma", "beta", "scale"):
            if over_channels and getattr(layer, weight, None) is not None and hasattr(getattr(layer, weight), "shape"):
                flow.site(step.path, layer, weight, 0, labels)
        flow.doubt(labels, f"`{step.path}` normalizes over all of them: without some, the others change")
        flow.put_channels(step.outputs[0], labels)


HANDLER = LayerNormalization()
