"""Layers that are called at every step of a series: what one step sees holds for all."""

from typing import Any

import keras

from source.graph.channels.flow import Flow
from source.graph.channels.handler import Handler, Kept, follow_not, handler_of
from source.graph.trace import Step


class TimeDistributed(Handler):
    """Looks inside; the sites are those of the wrapper, whose path stands for both."""

    kinds = (keras.layers.TimeDistributed,)

    def follow(self, step: Step, flow: Flow) -> None:
        """Ties the steps of the series, and follows the layer inside on one of them."""
        if isinstance(step.operation.layer, keras.Model):
            follow_not(step, flow, f"`{step.path}` calls a model at every step")
            return
        labels = flow.of(step.inputs[0])
        flow.classes.tie(labels[1:], labels[:1])
        inner = _one_step(step)
        flow.put(inner.inputs[0], labels[0])
        with flow.inside(step.operation):
            handler_of(inner).follow(inner, flow)
        for output, made in zip(step.outputs, inner.outputs, strict=True):
            flow.put(output, flow.of(made)[None])

    def changed(self, step: Step, flow: Flow, kept: Kept) -> dict[str, Any]:
        """Returns the configuration of the layer inside with its other settings."""
        if isinstance(step.operation.layer, keras.Model):
            return {}
        inner = _one_step(step)
        for outside, inside in zip((step.inputs[0], *step.outputs), (*inner.inputs, *inner.outputs), strict=True):
            flow.put(inside, flow.of(outside)[0])
        settings = handler_of(inner).changed(inner, flow, kept)
        config = step.operation.get_config()["layer"]
        return {"layer": {**config, "config": {**config["config"], **settings}}} if settings else {}


def _one_step(step: Step) -> Step:
    """Returns the call of the layer inside on one step of the series."""

    def one(tensor: keras.KerasTensor) -> keras.KerasTensor:
        return keras.KerasTensor((tensor.shape[0], *tensor.shape[2:]), tensor.dtype)

    outputs = tuple(one(each) for each in step.outputs)
    return Step(step.path, step.operation.layer, (one(step.inputs[0]),), {}, outputs)


HANDLER = TimeDistributed()
