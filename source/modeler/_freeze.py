"""Which weights are trained: freezing all layers but those that a filter names."""

from collections.abc import Sequence

import keras

from source.config.errors import ConfigError
from source.config.nearest import did_you_mean
from source.modeler import _naming


def train_only(model: keras.Model, filters: Sequence[str]) -> None:
    """Freezes everything but the weights whose path, such as `conv1/kernel`, contains one of the filters.

    A layer without such a weight is frozen as a whole (`layer.trainable = False`): a frozen batch
    normalisation uses its moving statistics in training too, and they do not move. In a layer that has some,
    the others are frozen.

    Args:
        model: a built model; changed.
        filters: parts of paths; none trains everything.

    Raises:
        ConfigError: if a filter matches no weight; the nearest names of layers are offered.
    """
    if not filters:
        return
    _check(model, filters)
    for layer in _naming.all_layers(model):
        if not _matching(layer.weights, filters):
            layer.trainable = False
    for variable in model.trainable_variables:
        if not _matching([variable], filters):
            variable.trainable = False


def _matching(variables: Sequence[keras.Variable], filters: Sequence[str]) -> list[keras.Variable]:
    return [variable for variable in variables if any(part in variable.path for part in filters)]


def _check(model: keras.Model, filters: Sequence[str]) -> None:
    for part in filters:
        if not _matching(model.trainable_variables, [part]):
            names = [layer.name for layer in _naming.all_layers(model) if layer.trainable_variables]
            raise ConfigError(
                f"trainable_vars: no weight that can be trained has `{part}` in its path. {did_you_mean(part, names)}"
            )
