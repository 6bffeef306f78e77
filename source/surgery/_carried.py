"""What channels carry if nothing comes in: constants, followed through all calls of a model."""

from typing import Any

import keras
import numpy as np
from keras import ops

from source.graph.channel_groups import ChannelGroups
from source.graph.channels.flow import Flow
from source.graph.channels.handler import handler_of
from source.graph.channels.handlers import concatenation, elementwise, movement, passing
from source.graph.trace import Step

_LAYERS = keras.layers
_MAKERS = (_LAYERS.Dense, _LAYERS.Conv1D, _LAYERS.Conv2D, _LAYERS.Conv3D)
_Carried = dict[int, np.ndarray]


def carried_by(groups: ChannelGroups) -> _Carried:
    """Returns for every tensor, by its identity, the constant at each of its labels; NaN where it is not known.

    Args:
        groups: of a model.
    """
    flow = groups.flow
    found: _Carried = {id(tensor): _unknown(tensor, flow) for tensor in groups.trace.inputs}
    for step in groups.trace.steps:
        values = [found[id(tensor)] for tensor in step.inputs]
        results = values if step.operation is None else _followed(step, flow, values)
        for tensor, value in zip(step.outputs, results, strict=True):
            shape = flow.of(tensor).shape
            found[id(tensor)] = value.reshape(shape) if value.size == flow.of(tensor).size else _unknown(tensor, flow)
    return found


def numbers(variable: keras.Variable) -> np.ndarray:
    """Returns the numbers of a variable as float64.

    Args:
        variable: any.
    """
    return np.asarray(ops.convert_to_numpy(variable), np.float64)


def _unknown(tensor: keras.KerasTensor, flow: Flow) -> np.ndarray:
    return np.full(flow.of(tensor).shape, np.nan)


def _followed(step: Step, flow: Flow, values: list[np.ndarray]) -> list[np.ndarray]:
    layer, handler = step.operation, handler_of(step)
    if isinstance(layer, _LAYERS.BatchNormalization):
        return [_normalized(layer, flow.of(step.outputs[0]).shape, values[0])]
    if isinstance(layer, (_LAYERS.DepthwiseConv1D, _LAYERS.DepthwiseConv2D)):
        return [_depthwise(layer, values[0])]
    if isinstance(layer, _MAKERS):
        return [_made(layer)]
    if handler is passing.HANDLER:
        same = tuple(step.inputs[0].shape) == tuple(step.outputs[0].shape)
        return _called(step, values[:1]) if same else values[:1]
    if handler is elementwise.HANDLER:
        return _called(step, values)
    if handler in (movement.HANDLER, concatenation.HANDLER):
        return _moved(step, flow, values)
    return [_unknown(tensor, flow) for tensor in step.outputs]


def _normalized(layer: Any, shape: tuple[int, ...], values: np.ndarray) -> np.ndarray:
    """Returns the normalized constants; where they are not known, the offset: it is the mean of what comes out."""
    scale = numbers(layer.gamma) if layer.scale else 1.0
    offset = numbers(layer.beta) if layer.center else 0.0
    known = (
        (values.ravel() - numbers(layer.moving_mean)) * scale / np.sqrt(numbers(layer.moving_variance) + layer.epsilon)
    )
    return (np.where(np.isnan(known), 0.0, known) + offset).reshape(shape)


def _depthwise(layer: Any, values: np.ndarray) -> np.ndarray:
    kernel = numbers(layer.kernel)
    sums = kernel.sum(axis=tuple(range(kernel.ndim - 2)))
    made = (values.reshape(-1, 1) * sums).ravel() + (numbers(layer.bias) if layer.use_bias else 0.0)
    return _activated(layer, made)


def _made(layer: Any) -> np.ndarray:
    """Returns the bias of channels whose kernel is zero; others are not constant."""
    kernel = numbers(layer.kernel)
    bias = numbers(layer.bias) if layer.use_bias else np.zeros(kernel.shape[-1])
    return _activated(layer, np.where(kernel.any(axis=tuple(range(kernel.ndim - 1))), np.nan, bias))


def _activated(layer: Any, values: np.ndarray) -> np.ndarray:
    name = getattr(layer.activation, "__name__", "")
    if name in ("softmax", "log_softmax"):
        return np.full(values.shape, np.nan)
    return np.asarray(ops.convert_to_numpy(layer.activation(ops.convert_to_tensor(values[np.newaxis], "float32"))))[0]


def _called(step: Step, values: list[np.ndarray]) -> list[np.ndarray]:
    """Returns what an operation makes of constants at one place."""
    given = iter(values)

    def constant(value: Any) -> Any:
        if not isinstance(value, keras.KerasTensor):
            return value
        each = next(given, np.zeros(()))
        return ops.convert_to_tensor(each[np.newaxis], "float32")

    args, kwargs = keras.tree.map_structure(constant, (step.args, step.kwargs))
    return [np.asarray(ops.convert_to_numpy(each))[0] for each in keras.tree.flatten(step.operation(*args, **kwargs))]


def _moved(step: Step, flow: Flow, values: list[np.ndarray]) -> list[np.ndarray]:
    """Returns constants where an operation puts them; unknown ones where lengths are free."""
    if any(flow.whole(tensor) is None for tensor in step.inputs):
        return [_unknown(tensor, flow) for tensor in step.outputs]
    pairs = zip(step.inputs, values, strict=True)
    whole = _called(step, [np.broadcast_to(value, tuple(tensor.shape[1:])) for tensor, value in pairs])
    found = []
    for tensor, value in zip(step.outputs, whole, strict=True):
        index = tuple(slice(None) if length > 1 else slice(1) for length in flow.of(tensor).shape)
        found.append(value[index])
    return found
