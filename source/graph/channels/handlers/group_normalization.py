"""Group normalization: groups stay equally large, and what a channel becomes depends on those of its group."""

from typing import Any

import keras

from source.graph.channels.flow import Flow
from source.graph.channels.handler import Handler, Kept
from source.graph.trace import Step


class GroupNormalization(Handler):
    """The same place goes from every group; with as many groups as channels, each channel is by itself."""

    kinds = (keras.layers.GroupNormalization,)

    def follow(self, step: Step, flow: Flow) -> None:
        """Passes the channels on, and finds the sites of scale and offset."""
        layer, tensor = step.operation, step.inputs[0]
        axis = layer.axis if layer.axis < 0 else layer.axis - len(tensor.shape)
        labels = flow.channels(tensor, axis)
        if not _alone(layer, len(labels)):
            rows = labels.reshape(layer.groups, -1)
            flow.classes.tie(rows[1:], rows[:1])
            flow.doubt(labels, f"`{step.path}` normalizes over groups of them: without some, the others change")
        for weight, there in (("gamma", layer.scale), ("beta", layer.center)):
            if there:
                flow.site(step.path, layer, weight, 0, labels)
        flow.put_channels(step.outputs[0], labels, axis)

    def changed(self, step: Step, flow: Flow, kept: Kept) -> dict[str, Any]:
        """Returns `groups` where each channel is one."""
        layer, tensor = step.operation, step.inputs[0]
        labels = flow.channels(tensor, layer.axis if layer.axis < 0 else layer.axis - len(tensor.shape))
        return {"groups": int(kept(labels).sum())} if _alone(layer, len(labels)) else {}


def _alone(layer: Any, channels: int) -> bool:
    return layer.groups in (-1, channels)


HANDLER = GroupNormalization()
