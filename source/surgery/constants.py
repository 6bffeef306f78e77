"""What channels that are about to go carry whatever the input is, put into the biases of the layers that read them."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from source.graph.channel_groups import ChannelGroups
from source.surgery._carried import carried_by, numbers
from source.surgery.rewrite import clone, rewrite

_LINEAR = (keras.layers.Dense, keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)


def fold_constants(model: keras.Model, groups: ChannelGroups, removed: np.ndarray) -> keras.Model:
    """Returns a copy whose outputs change less when channels are removed that carry constants and not zeros.

    A channel whose scale in batch normalization is 0 carries its offset b, and after an activation f it carries f(b).
    A layer that reads it with kernel w then gets w f(b) more bias, or, if it has no bias, the batch normalization after
    it a smaller mean; without either, the layer gets a bias. Exact for dense layers, for convolutions without padding,
    and for those of one place; where a kernel reaches into a padding of zeros, exact in the interior only. Where the
    scale is not 0, b is the mean of what the channel carries. Layers that are called several times, and
    channels without normalization whose kernel is not zero, are left as they are.

    The copy has the same channels, with the same numbers: remove them next.

    Args:
        model: functional or sequential, built.
        groups: of this model.
        removed: numbers of the channels that will go.
    """
    gone = np.zeros(groups.count, bool)
    gone[removed] = True
    carried = carried_by(groups)
    calls = [id(step.operation) for step in groups.trace.steps if step.operation is not None]
    changes: dict[int, Callable[[Any], Any]] = {}
    for step in groups.trace.steps:
        layer = step.operation
        if not isinstance(layer, _LINEAR) or getattr(layer, "groups", 1) > 1 or calls.count(id(layer)) > 1:
            continue
        [tensor] = step.inputs
        leaves = gone[groups.channels_of(groups.flow.of(tensor))]
        more = _contribution(layer, np.where(leaves & np.isfinite(carried[id(tensor)]), carried[id(tensor)], 0.0))
        if more is not None and more.any():
            normalization = None if layer.use_bias else _only_normalization(groups, step.outputs[0])
            target, change = _change(layer, normalization, more)
            changes[id(target)] = change
    return rewrite(model, lambda layer: changes[id(layer)](layer) if id(layer) in changes else None)


def _contribution(layer: Any, constants: np.ndarray) -> np.ndarray | None:
    """Returns what constants of the inputs add to each output; None if they differ from place to place."""
    kernel = numbers(layer.kernel)
    by_input = kernel.sum(axis=tuple(range(kernel.ndim - 2)))
    return constants.ravel() @ by_input if constants.size == len(by_input) else None


def _only_normalization(groups: ChannelGroups, tensor: keras.KerasTensor) -> Any:
    """Returns the batch normalization that alone reads a tensor, in the one call that it has; None if there is none."""
    readers = [step for step in groups.trace.steps if any(each is tensor for each in step.inputs)]
    if len(readers) != 1 or not isinstance(readers[0].operation, keras.layers.BatchNormalization):
        return None
    layer = readers[0].operation
    alone = sum(step.operation is layer for step in groups.trace.steps) == 1
    return layer if alone and not any(each is tensor for each in groups.trace.outputs) else None


def _change(layer: Any, normalization: Any, more: np.ndarray) -> tuple[Any, Callable[[Any], Any]]:
    """Returns the layer to replace, and what makes the one in its place."""
    if normalization is not None:
        return normalization, lambda given: _with(clone(given), "moving_mean", -more)
    if layer.use_bias:
        return layer, lambda given: _with(clone(given), "bias", more)
    return layer, lambda given: _with_bias(given, more)


def _with(layer: Any, weight: str, more: np.ndarray) -> Any:
    variable = getattr(layer, weight)
    variable.assign(numbers(variable) + more)
    return layer


def _with_bias(layer: Any, bias: np.ndarray) -> Any:
    copied = layer.__class__.from_config({**layer.get_config(), "use_bias": True})

    def call(*args: Any, **kwargs: Any) -> Any:
        built = copied.built
        result = copied(*args, **kwargs)
        if not built:
            copied.kernel.assign(ops.copy(ops.convert_to_tensor(layer.kernel)))
            copied.bias.assign(bias)
        return result

    return call
