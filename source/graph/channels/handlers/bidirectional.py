"""Recurrent layers in both directions: the same units go from both."""

from typing import Any

import keras
import numpy as np

from source.graph.channels.flow import Flow
from source.graph.channels.handler import Handler, Kept, follow_not
from source.graph.channels.handlers.recurrent import follow_cell, gates_of
from source.graph.trace import Step

_DIRECTIONS = ("layer", "backward_layer")  # in the configuration; the second only where it was given


class Bidirectional(Handler):
    """Outputs side by side, as a sum, a product or a mean, or apart."""

    kinds = (keras.layers.Bidirectional,)

    def follow(self, step: Step, flow: Flow) -> None:
        """Makes the units once for both directions, and finds the sites of both layers."""
        outer = step.operation
        layers = (outer.forward_layer, outer.backward_layer)
        if not _alike(layers) or outer.stateful:
            follow_not(step, flow, f"`{step.path}` has two layers that are not alike, or keep their states")
            return
        made = flow.made_by(step.path, layers[0].units)
        entering = flow.channels(step.inputs[0])
        with flow.inside(outer):
            for layer in layers:
                follow_cell(step.path, layer, flow, entering, made)
        for state in step.inputs[1:]:
            if len(state.shape) == 2 and state.shape[-1] == len(made):
                flow.classes.tie(flow.channels(state), made)
        for output in step.outputs:
            flow.put_channels(output, np.tile(made, output.shape[-1] // len(made)))

    def changed(self, step: Step, flow: Flow, kept: Kept) -> dict[str, Any]:
        """Returns the configurations of both layers with other `units`."""
        if step.path not in flow.producers:
            return {}
        units = int(kept(flow.producers[step.path]).sum())
        config = step.operation.get_config()
        return {
            name: {**config[name], "config": {**config[name]["config"], "units": units}}
            for name in _DIRECTIONS
            if name in config
        }


def _alike(layers: tuple[Any, Any]) -> bool:
    first, second = layers
    return gates_of(first) > 0 and gates_of(first) == gates_of(second) and first.units == second.units


HANDLER = Bidirectional()
