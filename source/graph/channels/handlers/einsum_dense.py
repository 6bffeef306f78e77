"""Dense layers written as Einstein sums: the last axes of input and output carry the channels."""

from typing import Any

import keras
import numpy as np

from source.graph.channels.flow import Flow
from source.graph.channels.handler import Handler, Kept, follow_not
from source.graph.trace import Step


class EinsumDense(Handler):
    """`abc,cd->abd` and its like: c is read, d is made; in `abc,bd->adc`, c only passes."""

    kinds = (keras.layers.EinsumDense,)

    def follow(self, step: Step, flow: Flow) -> None:
        """Finds the sites of kernel and bias along the last axes, where the equation has them."""
        layer, [tensor], [output] = step.operation, step.inputs, step.outputs
        entering, kernel, leaving = letters(layer.equation)
        if flow.axis_of(tensor) != -1:
            follow_not(step, flow, f"`{step.path}` takes channels that are not along the last axis")
            return
        labels = flow.channels(tensor)
        read, made = entering[-1], leaving[-1]
        if read in kernel:
            flow.site(step.path, layer, "kernel", kernel.index(read), labels)
        if made in kernel and made not in entering:
            new = flow.made_by(step.path, int(output.shape[-1]))
            flow.site(step.path, layer, "kernel", kernel.index(made), new)
            _follow_bias(step, flow, new)
            flow.put_channels(output, new)
        elif made == read:
            _follow_bias(step, flow, labels)
            flow.put_channels(output, labels)
        else:
            reason = f"`{step.path}` has them at several places of its equation"
            flow.fix(labels, reason)
            flow.put_opaque(output, reason)

    def changed(self, step: Step, flow: Flow, kept: Kept) -> dict[str, Any]:
        """Returns `output_shape`."""
        stays = kept(flow.of(step.outputs[0]))
        config = step.operation.get_config()["output_shape"]
        shape = (config,) if isinstance(config, int) else tuple(config)
        return {} if stays.sum() == stays.size else {"output_shape": (*shape[:-1], int(stays.sum()))}


def letters(equation: str) -> tuple[str, str, str]:
    """Returns the letters of input, kernel and output, with an ellipsis left out.

    Args:
        equation: such as `abc,cd->abd`.
    """
    operands, output = equation.replace(" ", "").replace("...", "").split("->")
    entering, kernel = operands.split(",")
    return entering, kernel, output


def _follow_bias(step: Step, flow: Flow, labels: np.ndarray) -> None:
    bias = step.operation.bias
    if bias is not None and bias.shape[-1] == len(labels):
        flow.site(step.path, step.operation, "bias", len(bias.shape) - 1, labels)


HANDLER = EinsumDense()
