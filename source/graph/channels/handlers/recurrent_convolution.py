"""Convolutional recurrent layers: filters have a place in every gate, and read each other."""

from typing import Any

import keras
import numpy as np

from source.graph.channels.flow import Flow
from source.graph.channels.handler import Handler, Kept, follow_not
from source.graph.trace import Step

_GATES = 4


class RecurrentConvolution(Handler):
    """Kernel (..., in, 4 filters), recurrent kernel (..., filters, 4 filters); states are channels as outputs are."""

    kinds = (keras.layers.ConvLSTM1D, keras.layers.ConvLSTM2D, keras.layers.ConvLSTM3D)

    def follow(self, step: Step, flow: Flow) -> None:
        """Makes the filters, and finds the sites of both kernels and of the bias."""
        layer, cell = step.operation, step.operation.cell
        if layer.stateful:
            follow_not(step, flow, f"`{step.path}` keeps its state from batch to batch")
            return
        # Counted from the end, it is the same axis of series (b, t, ...), of states and of outputs (b, ...).
        axis = -1 if layer.data_format == "channels_last" else -1 - len(layer.kernel_size)
        made = flow.made_by(step.path, layer.filters)
        gates = np.tile(made, _GATES)
        for weight, entering in ((cell.kernel, flow.channels(step.inputs[0], axis)), (cell.recurrent_kernel, made)):
            flow.site(step.path, layer, weight, len(weight.shape) - 2, entering)
            flow.site(step.path, layer, weight, len(weight.shape) - 1, gates)
        if layer.use_bias:
            flow.site(step.path, layer, cell.bias, 0, gates)
        for state in step.inputs[1:]:
            flow.classes.tie(flow.channels(state, axis), made)
        for output in step.outputs:
            flow.put_channels(output, made, axis)

    def changed(self, step: Step, flow: Flow, kept: Kept) -> dict[str, Any]:
        """Returns `filters`."""
        return {} if step.operation.stateful else {"filters": int(kept(flow.producers[step.path]).sum())}


HANDLER = RecurrentConvolution()
