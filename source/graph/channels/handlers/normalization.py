"""Normalization by constants: of the inputs, as a rule."""

import keras

from source.graph.channels.flow import Flow
from source.graph.channels.handler import Handler
from source.graph.trace import Step


class Normalization(Handler):
    """Its constants are settings and no weights, so that its channels stay."""

    kinds = (keras.layers.Normalization,)

    def follow(self, step: Step, flow: Flow) -> None:
        """Passes the channels on; they stay."""
        [tensor], [output] = step.inputs, step.outputs
        flow.fix(flow.of(tensor), f"`{step.path}` has constants for them")
        flow.put(output, flow.of(tensor))


HANDLER = Normalization()
