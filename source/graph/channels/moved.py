"""Where an operation puts channels: it is called with labels in the place of numbers."""

from typing import Any

import keras
import numpy as np

from source.graph.channels.flow import Flow
from source.graph.channels.handler import Kept, follow_not
from source.graph.trace import Step

# Lengths that are free are tried with both: what depends on them differs.
_LENGTHS = (8, 9)


def moved(step: Step, flow: Flow) -> list[np.ndarray] | None:
    """Returns the labels of every output of a call that moves numbers; None where they depend on lengths that are free.

    Args:
        step: the call.
        flow: what is known so far.
    """
    if all(flow.whole(tensor) is not None for tensor in step.inputs):
        return _called(step, flow, _LENGTHS[0])
    one, other = (_called(step, flow, length) for length in _LENGTHS)
    if one is None or other is None:
        return None
    first, second = ([flow.narrowed(labels) for labels in each] for each in (one, other))
    if any(not np.array_equal(*pair) for pair in zip(first, second, strict=True)):
        return None
    return first


def follow_moved(step: Step, flow: Flow, free: str) -> list[np.ndarray]:
    """Gives every output of a call that moves numbers its labels; fixes all where they depend on lengths that are free.

    Args:
        step: the call.
        flow: what is known so far.
        free: why they are fixed then, a few words.

    Returns:
        The labels of every output; none where they are fixed.
    """
    found = moved(step, flow)
    if found is None:
        follow_not(step, flow, free)
        return []
    for position, (output, labels) in enumerate(zip(step.outputs, found, strict=True)):
        flow.put_moved(output, labels, step.path, position)
    return found


def _called(step: Step, flow: Flow, length: int) -> list[np.ndarray] | None:
    def lengths(tensor: keras.KerasTensor) -> tuple[int, ...]:
        return (tensor.shape[0] or 1, *(size or length for size in tensor.shape[1:]))

    def symbol(value: Any) -> Any:
        return keras.KerasTensor(lengths(value), value.dtype) if isinstance(value, keras.KerasTensor) else value

    def labels(value: Any) -> Any:
        if not isinstance(value, keras.KerasTensor):
            return value
        return keras.ops.convert_to_tensor(np.broadcast_to(flow.of(value)[np.newaxis], lengths(value)).astype(np.int32))

    symbols = keras.tree.map_structure(symbol, (step.args, step.kwargs))
    try:
        step.operation.compute_output_spec(*symbols[0], **symbols[1])
    except ValueError:  # the length that was tried does not fit
        return None
    args, kwargs = keras.tree.map_structure(labels, (step.args, step.kwargs))
    outputs = keras.tree.flatten(step.operation(*args, **kwargs))
    found = [np.asarray(keras.ops.convert_to_numpy(each))[0].astype(np.int64) for each in outputs]
    return None if any(each.size == 0 for each in found) else found


def kept_lengths(tensor: keras.KerasTensor, flow: Flow, kept: Kept, given: tuple[Any, ...]) -> tuple[Any, ...]:
    """Returns the shape of what is kept of a tensor, without the batch.

    Args:
        tensor: that some call has made.
        flow: what is known of all calls.
        kept: says for labels which are kept, or how often each comes.
        given: lengths where nothing goes, such as -1.
    """
    stays = kept(flow.of(tensor))
    return tuple(
        int(stays.max(axis=tuple(other for other in range(stays.ndim) if other != axis)).sum()) if count > 1 else length
        for axis, (count, length) in enumerate(zip(stays.shape, given, strict=True))
    )
