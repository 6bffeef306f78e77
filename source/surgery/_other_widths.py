"""A copy of a model whose layers have other widths: the settings, the shapes and the weights that go with them."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from source.graph.channel_groups import ChannelGroups
from source.graph.channels.flow import Site
from source.graph.channels.handler import Kept, handler_of
from source.graph.channels.moved import kept_lengths
from source.layer import weight_paths
from source.surgery.rewrite import rewrite


def with_other_widths(
    model: keras.Model,
    groups: ChannelGroups,
    kept: Kept,
    fresh: bool = False,
    stand_ins: dict[int, Callable[..., Any]] | None = None,
) -> keras.Model:
    """Returns a copy in which channels are left out, or come several times.

    Args:
        model: functional or sequential, built.
        groups: of this model.
        kept: says for labels which are kept, or how often each comes.
        fresh: whether layers of another width get initial weights instead of those that are kept.
        stand_ins: what is called in the place of operations, by their identity, where nothing is left.
    """
    sites: dict[int, list[Site]] = {}
    for site in groups.sites:
        if (kept(site.labels) != 1).any():
            sites.setdefault(id(site.layer), []).append(site)
    changed = {
        id(step.operation): handler_of(step).changed(step, groups.flow, kept)
        for step in groups.trace.steps
        if step.operation is not None
    }
    entered = {id(step.entered): step for step in groups.trace.steps if step.entered is not None}

    def inputs(nested: keras.Model) -> list[keras.KerasTensor] | None:
        step = entered.get(id(nested))
        return None if step is None else [_narrowed(each, groups, kept) for each in step.outputs]

    narrower, others = _replacing(sites, changed, kept, fresh), stand_ins or {}

    def replace(operation: Any) -> Any:
        return others[id(operation)] if id(operation) in others else narrower(operation)

    return rewrite(model, replace, operations=True, inputs=inputs)


def _narrowed(tensor: keras.KerasTensor, groups: ChannelGroups, kept: Kept) -> keras.KerasTensor:
    """Returns an input of the shape that a tensor has in the copy."""
    lengths = kept_lengths(tensor, groups.flow, kept, tuple(tensor.shape[1:]))
    return keras.Input(batch_shape=(tensor.shape[0], *lengths), dtype=tensor.dtype, name=tensor.name)


def _replacing(
    sites: dict[int, list[Site]], changed: dict[int, dict[str, Any]], kept: Kept, fresh: bool
) -> Callable[[Any], Any]:
    def replace(operation: Any) -> Any:
        mine, settings = sites.get(id(operation), []), changed.get(id(operation), {})
        if not mine and not _differs(operation, settings):
            return None
        if fresh:
            return _made(operation, settings)
        return _smaller(operation, settings, {(site.weight, site.axis): kept(site.labels) for site in mine})

    return replace


def _differs(operation: Any, settings: dict[str, Any]) -> bool:
    config = operation.get_config() if settings else {}
    return any(_plain(config.get(name)) != _plain(value) for name, value in settings.items())


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, (list, tuple)) else value


def _made(operation: Any, settings: dict[str, Any]) -> Any:
    return operation.__class__.from_config(weight_paths.unbuilt({**operation.get_config(), **settings}))


def _smaller(operation: Any, settings: dict[str, Any], kept: dict[tuple[str, int], np.ndarray]) -> Any:
    """Returns a copy with other settings, whose weights are sliced when it is first called."""
    copied = _made(operation, settings)
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
