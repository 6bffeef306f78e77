"""Reshaping, flattening, permuting, stacking and repeating: the numbers stay, their places change."""

from typing import Any

import keras

from source.graph.channels.flow import Flow
from source.graph.channels.handler import Handler, Kept, follow_not
from source.graph.channels.moved import follow_moved, kept_lengths
from source.graph.trace import Step


class Movement(Handler):
    """Calls the layer with labels in the place of numbers."""

    kinds = (keras.layers.Flatten, keras.layers.Reshape, keras.layers.Permute, keras.layers.RepeatVector)
    names = (
        *("Reshape", "Transpose", "Squeeze", "ExpandDims", "Swapaxes", "Moveaxis", "Flip", "Roll"),
        *("Stack", "Repeat", "Tile"),
    )

    def follow(self, step: Step, flow: Flow) -> None:
        """Moves the labels; where that depends on lengths that are free, nothing may go."""
        if type(step.operation).__name__ == "Stack":  # what lies side by side along the new axis goes together
            for tensor in step.inputs[1:]:
                flow.classes.tie(flow.of(step.inputs[0]), flow.of(tensor))
        if type(step.operation).__name__ == "Repeat" and not isinstance(step.operation.repeats, int):
            follow_not(step, flow, f"`{step.path}` says for each of them how often it comes")
            return
        follow_moved(step, flow, f"`{step.path}` moves them over lengths that are free")

    def changed(self, step: Step, flow: Flow, kept: Kept) -> dict[str, Any]:
        """Returns `target_shape` of a layer, `newshape` of an operation."""
        layer, [output] = step.operation, step.outputs
        if isinstance(layer, keras.layers.Reshape):
            return {"target_shape": kept_lengths(output, flow, kept, layer.get_config()["target_shape"])}
        shape = getattr(layer, "newshape", None)
        if not isinstance(shape, (list, tuple)):
            return {}
        return {"newshape": (shape[0], *kept_lengths(output, flow, kept, tuple(shape[1:])))}


HANDLER = Movement()
