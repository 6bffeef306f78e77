"""Batch normalization: each channel by itself."""

import keras

from source.graph.channels.flow import Flow
from source.graph.channels.handler import Handler
from source.graph.trace import Step


class BatchNormalization(Handler):
    """Scale, offset, mean and variance of each channel go with it."""

    kinds = (keras.layers.BatchNormalization,)

    def follow(self, step: Step, flow: Flow) -> None:
        """Passes the channels on, and finds the sites of the four vectors."""
        layer, tensor = step.operation, step.inputs[0]
        axis = layer.axis if layer.axis < 0 else layer.axis - len(tensor.shape)
        labels = flow.channels(tensor, axis)
        present = {"gamma": layer.scale, "beta": layer.center, "moving_mean": True, "moving_variance": True}
        for weight, there in present.items():
            if there:
                flow.site(step.path, layer, weight, 0, labels)
        flow.put_channels(step.outputs[0], labels, axis)


HANDLER = BatchNormalization()
