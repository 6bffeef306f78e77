"""Dense layers, on vectors or on the last axis of larger tensors."""

from typing import Any

import keras

from source.graph.channels.flow import Flow
from source.graph.channels.handler import Handler, Kept
from source.graph.trace import Step


class Dense(Handler):
    """Kernel (in, out)."""

    kinds = (keras.layers.Dense,)

    def follow(self, step: Step, flow: Flow) -> None:
        """Makes the outputs, and finds the sites of kernel and bias."""
        layer, [tensor] = step.operation, step.inputs
        leaving = flow.made_by(step.path, layer.units)
        flow.site(step.path, layer, "kernel", 0, flow.channels(tensor))
        flow.site(step.path, layer, "kernel", 1, leaving)
        if layer.use_bias:
            flow.site(step.path, layer, "bias", 0, leaving)
        flow.put_channels(step.outputs[0], leaving)

    def changed(self, step: Step, flow: Flow, kept: Kept) -> dict[str, Any]:
        """Returns `units`."""
        return {"units": int(kept(flow.producers[step.path]).sum())}


HANDLER = Dense()
