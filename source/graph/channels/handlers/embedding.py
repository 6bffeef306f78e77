"""Embeddings: a table whose columns are channels; also backwards, from channels to words."""

from typing import Any

import keras

from source.graph.channels.flow import Flow
from source.graph.channels.handler import Handler, Kept
from source.graph.trace import Step


class Embedding(Handler):
    """Table (words, channels); words stay."""

    kinds = (keras.layers.Embedding,)

    def follow(self, step: Step, flow: Flow) -> None:
        """Makes the channels, and finds the site of the table; backwards, of what reads them."""
        layer, tensor, [output] = step.operation, step.inputs[0], step.outputs
        if _is_reverse(step):
            reading = ("embeddings", 1) if layer.tie_weights else ("reverse_embeddings", 0)
            flow.site(step.path, layer, *reading, flow.channels(tensor))
            flow.put_opaque(output, f"`{step.path}` makes a number for each word")
            return
        flow.fix(flow.of(tensor), f"`{step.path}` takes them for words")
        made = flow.made_by(step.path, layer.output_dim)
        flow.site(step.path, layer, "embeddings", 1, made)
        flow.put_channels(output, made)

    def changed(self, step: Step, flow: Flow, kept: Kept) -> dict[str, Any]:
        """Returns `output_dim`."""
        labels = flow.channels(step.inputs[0]) if _is_reverse(step) else flow.producers[step.path]
        return {"output_dim": int(kept(labels).sum())}


def _is_reverse(step: Step) -> bool:
    """Returns whether a `ReversibleEmbedding` is called backwards."""
    return bool(step.kwargs.get("reverse") or True in step.args[1:2])


HANDLER = Embedding()
