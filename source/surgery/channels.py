"""A model in, a model with fewer channels out: the weights that belong to the channels that stay."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from source.config.errors import ConfigError
from source.graph.channel_groups import ChannelGroups
from source.graph.channels.flow import Site
from source.graph.channels.handler import handler_of
from source.graph.channels.moved import kept_lengths
from source.layer import weight_paths
from source.layer.batch_normalized import BatchNormalized
from source.layer.compressed import Compressed
from source.surgery.rewrite import rewrite


def remove_channels(model: keras.Model, groups: ChannelGroups, removed: np.ndarray) -> keras.Model:
    """Returns a plain copy of a model without some channels; what remains of each weight is copied bit for bit.

    The outputs are those of the model if the channels carried zeros to all that used them.

    Args:
        model: functional or sequential, built.
        groups: of this model.
        removed: numbers of the channels that go.

    Raises:
        ConfigError: for channels that may not go, and for a layer that nothing would be left of.
    """
    _refuse(groups, removed)
    gone = np.zeros(groups.count, bool)
    gone[removed] = True

    def kept(labels: np.ndarray) -> np.ndarray:
        return ~gone[groups.channels_of(labels)]

    sites: dict[int, list[Site]] = {}
    for site in groups.sites:
        if not kept(site.labels).all():
            sites.setdefault(id(site.layer), []).append(site)
    _refuse_prepared(groups, sites)
    changed = {
        id(step.operation): handler_of(step).changed(step, groups.flow, kept)
        for step in groups.trace.steps
        if step.operation is not None
    }
    entered = {id(step.entered): step for step in groups.trace.steps if step.entered is not None}

    def inputs(nested: keras.Model) -> list[keras.KerasTensor] | None:
        step = entered.get(id(nested))
        return None if step is None else [_narrowed(each, groups, kept) for each in step.outputs]

    return rewrite(model, _replacing(sites, changed, kept), operations=True, inputs=inputs)


def _narrowed(
    tensor: keras.KerasTensor, groups: ChannelGroups, kept: Callable[[np.ndarray], np.ndarray]
) -> keras.KerasTensor:
    """Returns an input of the shape that a tensor has without the channels that go."""
    lengths = kept_lengths(tensor, groups.flow, kept, tuple(tensor.shape[1:]))
    return keras.Input(batch_shape=(tensor.shape[0], *lengths), dtype=tensor.dtype, name=tensor.name)


def _refuse(groups: ChannelGroups, removed: np.ndarray) -> None:
    free = np.concatenate([group.channels for group in groups.prunable] or [np.zeros(0, np.int64)])
    fixed = np.setdiff1d(removed, free)
    for group in groups.groups:
        if len(np.intersect1d(group.channels, fixed)):
            raise ConfigError(f"Channels of `{group.name}` may not go: {'; '.join(group.fixed)}.")
    if len(fixed):
        raise ConfigError(f"removed: expected numbers of channels of `groups.prunable`. Received: {fixed.tolist()}.")
    for path, labels in groups.flow.producers.items():
        if np.isin(groups.channels_of(labels), removed).all():
            raise ConfigError(f"Layer `{path}`: no channel would be left of {len(labels)}. Keep one at least.")


def _refuse_prepared(groups: ChannelGroups, sites: dict[int, list[Site]]) -> None:
    for step in groups.trace.steps:
        inner = step.operation.layer if isinstance(step.operation, Compressed) else step.operation
        if id(inner) in sites and isinstance(step.operation, (Compressed, BatchNormalized)):
            raise ConfigError(
                f"Layer `{step.path}` is prepared by a compressor, so its channels cannot be removed now. Remove them "
                "before `prepare`, or from the finished model."
            )


def _replacing(
    sites: dict[int, list[Site]], changed: dict[int, dict[str, Any]], kept: Callable[[np.ndarray], np.ndarray]
) -> Callable[[Any], Any]:
    def replace(operation: Any) -> Any:
        mine, settings = sites.get(id(operation), []), changed.get(id(operation), {})
        if not mine and not _differs(operation, settings):
            return None
        return _smaller(operation, settings, {(site.weight, site.axis): kept(site.labels) for site in mine})

    return replace


def _differs(operation: Any, settings: dict[str, Any]) -> bool:
    config = operation.get_config() if settings else {}
    return any(_plain(config.get(name)) != _plain(value) for name, value in settings.items())


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, (list, tuple)) else value


def _smaller(operation: Any, settings: dict[str, Any], kept: dict[tuple[str, int], np.ndarray]) -> Any:
    """Returns a copy with other settings, whose weights are sliced when it is first called."""
    config = weight_paths.unbuilt({**operation.get_config(), **settings})
    copied = operation.__class__.from_config(config)
    if not isinstance(operation, keras.layers.Layer):
        return copied
    # By their order: Keras numbers weights without a name, in each copy anew.
    paths = weight_paths.of(operation)
    weights = [_sliced(path, variable, kept) for path, variable in paths.items()]

    def call(*args: Any, **kwargs: Any) -> Any:
        built = copied.built
        result = copied(*args, **kwargs)
        if not built:
            for variable, values in zip(copied.weights, weights, strict=True):
                variable.assign(values)
            weight_paths.keep(copied, paths)
        return result

    return call


def _sliced(path: str, variable: keras.Variable, kept: dict[tuple[str, int], np.ndarray]) -> np.ndarray:
    values = np.asarray(ops.convert_to_numpy(variable))
    for (weight, axis), stays in kept.items():
        if weight == path:
            values = np.compress(stays, values, axis=axis)
    return values
