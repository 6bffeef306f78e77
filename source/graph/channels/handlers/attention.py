"""Attention without kernels: query and key meet channel by channel, and channels of the value come out."""

import keras

from source.graph.channels.flow import Flow
from source.graph.channels.handler import Handler
from source.graph.trace import Step


class Attention(Handler):
    """Scores are sums over the channels of query and key; `AdditiveAttention` has a weight for each of them."""

    kinds = (keras.layers.Attention,)

    def follow(self, step: Step, flow: Flow) -> None:
        """Ties query and key, and passes the value on."""
        layer = step.operation
        given = [each for each in keras.tree.flatten(step.args[0]) if isinstance(each, keras.KerasTensor)]
        query, value, *more = given
        lines = [flow.channels(query), flow.channels(more[0] if more else value)]
        flow.classes.tie(*lines)
        scale = getattr(layer, "scale", None)
        if scale is not None and len(scale.shape) == 1:
            flow.site(step.path, layer, "scale", 0, lines[0])
        output, *scores = step.outputs
        flow.put_channels(output, flow.channels(value))
        for each in scores:
            flow.put_opaque(each, f"`{step.path}` makes them, a score each")


HANDLER = Attention()
