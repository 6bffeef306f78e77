"""Padding along channels: the new ones are zeros, which go with the channels that they are added to.

Padding of other axes by an operation is here too; by a layer, it passes channels on as they are.
"""

from typing import Any

import keras
import numpy as np

from source.graph.channels.flow import Flow
from source.graph.channels.handler import Handler, Kept
from source.graph.trace import Step

_Pairs = list[tuple[int, int]]


class Padding(Handler):
    """`keras.ops.pad`, and layers of zero padding, of which `data_format="channels_first"` pads the last axes."""

    kinds = (keras.layers.ZeroPadding1D, keras.layers.ZeroPadding2D, keras.layers.ZeroPadding3D)
    names = ("Pad",)

    def follow(self, step: Step, flow: Flow) -> None:
        """Passes the channels on, with new ones before and after them."""
        tensor, [output] = step.inputs[0], step.outputs
        axis = flow.axis_of(tensor)
        before, after = _pairs(step)[axis]
        labels = flow.channels(tensor, axis)
        if not before and not after:
            flow.put_channels(output, labels, axis)
            return
        new = flow.classes.fresh(before + after)
        labels = np.concatenate([new[:before], labels, new[before:]])
        if _repeats(step):
            flow.fix(labels, f"`{step.path}` repeats some of them")
        elif _fills(step):
            flow.fix(new, f"`{step.path}` puts constants there")
        shape = [1] * (len(output.shape) - 1)
        shape[axis] = len(labels)
        flow.put_moved(output, labels.reshape(shape), step.path)

    def changed(self, step: Step, flow: Flow, kept: Kept) -> dict[str, Any]:
        """Returns the widths, less the zeros that go."""
        pairs, [output] = _pairs(step), step.outputs
        axis = flow.axis_of(output)
        before, after = pairs[axis]
        if not before and not after:
            return {}
        stays = np.moveaxis(kept(flow.of(output)), axis, -1).ravel()
        pairs[axis] = (int(stays[:before].sum()), int(stays[len(stays) - after :].sum()))
        if "Padding" not in type(step.operation).__name__:
            return {"pad_width": tuple(pairs)}
        places = _padded_axes(step.operation, len(pairs))
        return {"padding": tuple(pairs[each] for each in places)}


def _pairs(step: Step) -> _Pairs:
    """Returns the new places before and after each axis of what goes in."""
    rank = len(step.inputs[0].shape)
    if not isinstance(step.operation, keras.layers.Layer):
        return _of_operation(step.operation.pad_width, rank)
    pairs = [(0, 0)] * rank
    padding = step.operation.get_config()["padding"]
    for axis, pair in zip(_padded_axes(step.operation, rank), _listed(padding), strict=True):
        pairs[axis] = pair
    return pairs


def _listed(padding: Any) -> _Pairs:
    return [tuple(padding)] if isinstance(padding[0], int) else [tuple(pair) for pair in padding]


def _padded_axes(layer: Any, rank: int) -> range:
    return range(2, rank) if getattr(layer, "data_format", "") == "channels_first" else range(1, rank - 1)


def _of_operation(width: Any, rank: int) -> _Pairs:
    pairs = keras.tree.map_structure(int, width)
    if isinstance(pairs, int):
        return [(pairs, pairs)] * rank
    if isinstance(pairs[0], int):
        return [(pairs[0], pairs[-1])] * rank
    return [tuple(pair) for pair in pairs] if len(pairs) == rank else [tuple(pairs[0])] * rank


def _repeats(step: Step) -> bool:
    return getattr(step.operation, "mode", "constant") != "constant"


def _fills(step: Step) -> bool:
    """Whether what comes new is something else than zeros."""
    given = [*step.args[1:], step.kwargs.get("constant_values")]
    return any(each is not None and np.any(keras.ops.convert_to_numpy(each) != 0) for each in given)


HANDLER = Padding()
