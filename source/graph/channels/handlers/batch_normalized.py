"""Layers together with the batch normalization after them, as they are while a model is prepared."""

import dataclasses

from source.graph.channels.flow import Flow
from source.graph.channels.handler import Handler, handler_of
from source.graph.trace import Step
from source.layer.batch_normalized import BatchNormalized as Layer


class BatchNormalized(Handler):
    """The linear layer, then each channel by itself; the sites are those of the layer around both."""

    kinds = (Layer,)

    def follow(self, step: Step, flow: Flow) -> None:
        """Follows the linear layer, and finds the sites of the four vectors."""
        layer = step.operation
        linear = dataclasses.replace(step, operation=layer.linear)
        normalization = dataclasses.replace(step, operation=layer.normalization, args=step.outputs, kwargs={})
        with flow.inside(layer):
            for each in (linear, normalization):
                handler_of(each).follow(each, flow)


HANDLER = BatchNormalized()
