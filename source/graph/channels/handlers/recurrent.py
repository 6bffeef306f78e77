"""Recurrent layers: a unit goes with its column in every gate and with its row of the recurrent kernel."""

from typing import Any

import keras
import numpy as np

from source.graph.channels.flow import Flow
from source.graph.channels.handler import Handler, Kept, follow_not
from source.graph.trace import Step

_GATES = {keras.layers.SimpleRNN: 1, keras.layers.GRU: 3, keras.layers.LSTM: 4}


class Recurrent(Handler):
    """Kernel (in, gates units), recurrent kernel (units, gates units); states are channels as outputs are."""

    kinds = tuple(_GATES)

    def follow(self, step: Step, flow: Flow) -> None:
        """Makes the units, and finds the sites of the kernels and of the bias."""
        layer = step.operation
        if layer.stateful:
            follow_not(step, flow, f"`{step.path}` keeps its state from batch to batch")
            return
        made = flow.made_by(step.path, layer.units)
        follow_cell(step.path, layer, flow, flow.channels(step.inputs[0]), made)
        for state in step.inputs[1:]:
            if len(state.shape) == 2 and state.shape[-1] == layer.units:
                flow.classes.tie(flow.channels(state), made)
        for output in step.outputs:
            flow.put_channels(output, made)

    def changed(self, step: Step, flow: Flow, kept: Kept) -> dict[str, Any]:
        """Returns `units`."""
        return {} if step.operation.stateful else {"units": int(kept(flow.producers[step.path]).sum())}


def follow_cell(path: str, layer: Any, flow: Flow, entering: np.ndarray, made: np.ndarray) -> None:
    """Finds the sites of one recurrent layer.

    Args:
        path: of the layer.
        layer: of one of the kinds here.
        flow: what is known so far.
        entering: labels of the inputs.
        made: labels of the units.
    """
    cell = layer.cell
    gates = np.tile(made, gates_of(layer))
    flow.site(path, layer, cell.kernel, 0, entering)
    flow.site(path, layer, cell.kernel, 1, gates)
    flow.site(path, layer, cell.recurrent_kernel, 0, made)
    flow.site(path, layer, cell.recurrent_kernel, 1, gates)
    if cell.use_bias:
        flow.site(path, layer, cell.bias, len(cell.bias.shape) - 1, gates)  # (2, 3 units) of a GRU that resets after


def gates_of(layer: Any) -> int:
    """Returns how many columns of a kernel a unit has; 0 for a layer of another kind.

    Args:
        layer: any layer.
    """
    return next((gates for kind, gates in _GATES.items() if isinstance(layer, kind)), 0)


HANDLER = Recurrent()
