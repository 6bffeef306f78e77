"""Branches of which nothing is left: which tensors are gone with them, and what stands in the place of their layers."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from source.config.errors import ConfigError
from source.graph.channel_groups import ChannelGroups
from source.graph.channels.handler import Kept
from source.graph.trace import Step


class _Gone:
    """Stands for a tensor of which nothing is left."""


GONE = _Gone()


def with_what_reads_nothing(groups: ChannelGroups, removed: np.ndarray) -> np.ndarray:
    """Returns the channels that go and those that only layers make which then read nothing.

    Args:
        groups: of a model.
        removed: numbers of the channels that go.

    Raises:
        ConfigError: if an output of the model would be made of nothing.
    """
    gone = np.zeros(groups.count, bool)
    gone[removed] = True
    count = -1
    while count != gone.sum():
        count = int(gone.sum())
        idle = {
            step.path
            for step in groups.trace.steps
            if step.path in groups.flow.producers
            and step.inputs
            and all(gone[groups.channels_of(groups.flow.of(tensor))].all() for tensor in step.inputs)
        }
        for group in groups.groups:
            if set(group.producers) <= idle:
                if group.fixed and not gone[group.channels].all():
                    raise ConfigError(f"Layer `{group.name}` would read nothing, but it stays: {group.fixed[0]}.")
                gone[group.channels] = True
    return np.flatnonzero(gone)


def stand_ins(groups: ChannelGroups, kept: Kept) -> dict[int, Callable[..., Any]]:
    """Returns what is called in the place of every operation that reads or makes something that is gone.

    A sum loses the operands that are gone, and so does a concatenation; what reads nothing else is gone itself.

    Args:
        groups: of a model.
        kept: says for labels which are kept.

    Raises:
        ConfigError: naming a layer that cannot do without one of its inputs, and an output that would be gone.
    """
    found: dict[int, Callable[..., Any]] = {}
    gone: set[int] = set()
    for step in groups.trace.steps:
        lost = [id(tensor) in gone for tensor in step.inputs]
        empty = all(not kept(groups.flow.of(tensor)).any() for tensor in step.outputs)
        if not any(lost) and not empty:
            continue
        if empty or all(lost):
            gone |= {id(tensor) for tensor in step.outputs}
            found[id(step.operation)] = _nothing(len(step.outputs))
        else:
            found[id(step.operation)] = _without_the_lost(step, lost)
        _refuse_shared(groups, step)
    if any(id(tensor) in gone for tensor in groups.trace.outputs):
        raise ConfigError(
            "Nothing would be left of an output of the model. Keep some channels of the layers before it."
        )
    return found


def _refuse_shared(groups: ChannelGroups, step: Step) -> None:
    calls = [each for each in groups.trace.steps if each.operation is step.operation]
    if step.operation is None or len(calls) > 1:
        raise ConfigError(
            f"`{step.path}`: nothing would be left of one of its inputs, and it is a nested model or called several "
            "times. Keep one channel at least."
        )


def _nothing(count: int) -> Callable[..., Any]:
    def call(*_: Any, **__: Any) -> Any:
        return GONE if count == 1 else [GONE] * count

    return call


def _without_the_lost(step: Step, lost: list[bool]) -> Callable[..., Any]:
    """Returns a sum or a concatenation of the operands that are left."""
    name = type(step.operation).__name__
    shapes = {tuple(tensor.shape) for tensor in step.inputs}
    may = (name == "Add" and len(shapes) == 1) or name == "Concatenate" or (name == "Subtract" and not lost[0])
    if not may:
        raise ConfigError(
            f"Layer `{step.path}` ({name}): nothing would be left of one of its inputs, without which it makes no "
            "sense. Keep one channel at least of the layers before it."
        )

    def call(*args: Any, **kwargs: Any) -> Any:
        left = [each for each in keras.tree.flatten((args, kwargs)) if isinstance(each, keras.KerasTensor)]
        if len(left) == 1:
            return left[0]
        return step.operation.__class__.from_config(step.operation.get_config())(left)

    return call
