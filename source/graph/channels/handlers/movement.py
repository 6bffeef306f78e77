"""Reshaping, flattening and permuting: the numbers stay, their places change; the layer itself moves the labels."""

from typing import Any

import keras
import numpy as np

from source.config.errors import ConfigError
from source.graph.channels.flow import Flow
from source.graph.channels.handler import Handler, Kept
from source.graph.trace import Step


class Movement(Handler):
    """Calls the layer with labels in the place of numbers."""

    kinds = (keras.layers.Flatten, keras.layers.Reshape, keras.layers.Permute)
    names = ("Reshape", "Transpose", "Squeeze", "ExpandDims", "Flatten", "Permute", "SwapAxes", "Moveaxis")

    def follow(self, step: Step, flow: Flow) -> None:
        """Moves the labels; where lengths are free, nothing may go."""
        tensor, [output] = step.inputs[0], step.outputs
        whole = flow.whole(tensor)
        if whole is None:
            flow.fix(flow.of(tensor), f"`{step.path}` moves them over lengths that are free")
            flow.put(output, np.broadcast_to(flow.of(tensor).ravel()[:1], (1,) * (len(output.shape) - 1)))
            return
        moved = keras.ops.convert_to_numpy(step.operation(whole[np.newaxis].astype(np.int32)))[0]
        flow.put(output, _narrowed(moved.astype(np.int64)))

    def changed(self, step: Step, flow: Flow, kept: Kept) -> dict[str, Any]:
        """Returns `target_shape`, for a layer that has one.

        Raises:
            ConfigError: if what is kept has no shape: its lines are not equally long.
        """
        [output] = step.outputs
        if not hasattr(step.operation, "target_shape"):
            return {}
        whole = flow.whole(output)
        return {} if whole is None else {"target_shape": kept_shape(kept(whole), step.path)}


def kept_shape(kept: np.ndarray, path: str) -> tuple[int, ...]:
    """Returns the shape of what is kept of a tensor.

    Args:
        kept: booleans, of the shape of the tensor without the batch.
        path: of the layer, for the message.

    Raises:
        ConfigError: if lines are not equally long.
    """
    axes = range(kept.ndim)
    lines = [kept.any(axis=tuple(other for other in axes if other != axis)) for axis in axes]
    if int(kept.sum()) != int(np.prod([line.sum() for line in lines])):
        raise ConfigError(f"`{path}`: what is kept has no shape: its lines are not equally long.")
    return tuple(int(line.sum()) for line in lines)


def _narrowed(labels: np.ndarray) -> np.ndarray:
    """Returns labels with the axes along which all are the same at length 1; the last axis stays."""
    for axis in range(labels.ndim - 1):
        first = np.take(labels, [0], axis=axis)
        if np.array_equal(np.broadcast_to(first, labels.shape), labels):
            labels = first
    return labels


HANDLER = Movement()
