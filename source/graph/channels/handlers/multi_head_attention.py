"""Attention with several heads: heads stay; what they read and what they make are channels."""

from typing import Any

import keras

from source.graph.channels.flow import Flow
from source.graph.channels.handler import Handler, Kept
from source.graph.trace import Step
from source.layer import weight_paths

_READERS = {"query": 0, "gate": 0, "value": 1, "key": 2}  # which argument a projection reads


class MultiHeadAttention(Handler):
    """Kernels (in, heads, size) of query, key and value; (heads, size, out) of the output.

    Without `output_shape` there are as many outputs as the query has channels, so that the two go together.
    """

    kinds = (keras.layers.MultiHeadAttention, keras.layers.GroupQueryAttention)

    def follow(self, step: Step, flow: Flow) -> None:
        """Makes the outputs, and finds the sites of all projections."""
        layer = step.operation
        given = _given(step)
        weights = weight_paths.of(layer)
        for name, position in _READERS.items():
            if f"{name}/kernel" in weights:
                flow.site(step.path, layer, weights[f"{name}/kernel"], 0, flow.channels(given[position]))
        output, *scores = step.outputs
        made = flow.made_by(step.path, int(output.shape[-1]))
        kernel = weights["attention_output/kernel"]
        flow.site(step.path, layer, kernel, len(kernel.shape) - 1, made)
        if "attention_output/bias" in weights:
            bias = weights["attention_output/bias"]
            flow.site(step.path, layer, bias, len(bias.shape) - 1, made)
        if _output_shape(layer) is None:
            flow.classes.tie(made, flow.channels(given[0]))
        if isinstance(
            layer, keras.layers.GroupQueryAttention
        ):  # it wants as many channels of the value as of the query
            flow.classes.tie(flow.channels(given[0]), flow.channels(given[1]))
        flow.put_channels(output, made)
        for each in scores:
            flow.put_opaque(each, f"`{step.path}` makes them, a score each")

    def changed(self, step: Step, flow: Flow, kept: Kept) -> dict[str, Any]:
        """Returns `output_shape`, if it was given."""
        shape = _output_shape(step.operation)
        if shape is None:
            return {}
        before = tuple(shape)[:-1] if isinstance(shape, (list, tuple)) else ()
        return {"output_shape": (*before, int(kept(flow.producers[step.path]).sum()))}


def _given(step: Step) -> list[keras.KerasTensor]:
    """Returns query, value and key, which is the value where it is not given."""
    names = ("query", "value", "key")
    given = dict(zip(names, step.args, strict=False)) | {key: step.kwargs[key] for key in names if key in step.kwargs}
    key = given.get("key")
    return [given["query"], given["value"], given["value"] if key is None else key]


def _output_shape(layer: Any) -> Any:
    return layer.get_config().get("output_shape")


HANDLER = MultiHeadAttention()
