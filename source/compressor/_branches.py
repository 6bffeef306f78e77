"""Branches that go as a whole: which layers read nothing when a group of channels is gone, and what they add then."""

from collections.abc import Iterator, Sequence

import keras
import numpy as np
from keras import ops

from source.config.errors import ConfigError
from source.graph.channel_groups import ChannelGroups, Group
from source.graph.trace import Step
from source.layer import weight_paths
from source.layer.branch_switch import BranchSwitch
from source.layer.transformation import Transformation
from source.surgery.channels import refuse_empty_branches
from source.surgery.wrap import inside

_ADDED = ("bias", "beta", "gamma")
# Where nothing goes in, nothing of these comes out.
_HARMLESS = ("kernel", "alpha", "moving_mean", "moving_variance")
_SIDE = 2  # of the zeros that a layer without weights is tried with, where lengths are free


def switches(groups: ChannelGroups, emptied: Sequence[Group], owner: str) -> dict[int, dict[str, list[Transformation]]]:
    """Returns for layers, by identity, switches of the weights that a branch would add when it reads nothing.

    Args:
        groups: of a model.
        emptied: those of which all channels are to go.
        owner: name of the compressor.

    Raises:
        ConfigError: for a branch that the model cannot do without, or that would not come to nothing.
    """
    found: dict[int, dict[str, list[Transformation]]] = {}
    if emptied:
        refuse_empty_branches(groups, np.concatenate([group.channels for group in emptied]))
    for group in emptied:
        for step in reading_nothing(groups, group):
            layer = inside(step.operation)
            for name in _added(step):
                found.setdefault(id(layer), {})[name] = [BranchSwitch(group.name, owner=owner)]
    return found


def reading_nothing(groups: ChannelGroups, group: Group) -> Iterator[Step]:
    """Yields the calls that read nothing when all channels of a group are gone, and make others.

    Args:
        groups: of a model.
        group: of these.
    """
    gone: set[int] = set()

    def is_gone(tensor: keras.KerasTensor) -> bool:
        return id(tensor) in gone or bool(np.isin(groups.channels_of(groups.flow.of(tensor)), group.channels).all())

    for step in groups.trace.steps:
        if step.operation is not None and step.inputs and all(is_gone(tensor) for tensor in step.inputs):
            if not all(is_gone(tensor) for tensor in step.outputs):
                yield step
            gone |= {id(tensor) for tensor in step.outputs}


def _added(step: Step) -> list[str]:
    """Returns the weights of a layer that are not zero where nothing goes in.

    Raises:
        ConfigError: for a layer that makes something out of nothing all the same.
    """
    layer = inside(step.operation)
    names = list(weight_paths.of(layer)) if isinstance(layer, keras.layers.Layer) else []
    unknown = [name for name in names if not name.rpartition("/")[2].endswith((*_ADDED, *_HARMLESS))]
    if unknown or not _keeps_zeros(step, bool(names)):
        raise ConfigError(
            f"Layer `{step.path}` makes something even of zeros, so that the branch that it stands in cannot go as a "
            "whole. Let `sparsity` be below 1 there."
        )
    return [name for name in names if name.rpartition("/")[2].endswith(_ADDED)]


def _keeps_zeros(step: Step, has_weights: bool) -> bool:
    layer = inside(step.operation)
    if has_weights:
        activation = getattr(layer, "activation", None)
        return activation is None or not np.any(ops.convert_to_numpy(activation(ops.zeros((1, _SIDE)))))
    zeros = [ops.zeros((1, *(length or _SIDE for length in tensor.shape[1:]))) for tensor in step.inputs]
    made = step.operation(zeros if isinstance(step.args[0], (list, tuple)) else zeros[0])
    return not any(np.any(ops.convert_to_numpy(each)) for each in keras.tree.flatten(made))
