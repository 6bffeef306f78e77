"""Builds the network that weights are for: a plugin by name, or the network of a recipe."""

import pathlib
from collections.abc import Mapping
from typing import Any

from source.config.errors import ConfigError
from source.config.plugin import locate, resolve
from source.config.recipe.recipe import Recipe
from source.config.recipe.tree import plain
from source.config.settings import from_mapping

_RECIPE = (".yaml", ".yml")
_DARKNET = ".cfg"
_LENGTHS = ("image_height", "image_width", "image_depth")
_OF_ALL = "num_classes"  # a recipe may say it for all parts at once

Shape = tuple[int, ...]


def described(network: str) -> tuple[str, dict[str, Any], Shape]:
    """Returns name and settings of a network, and the shape of its pictures, empty if that is not said.

    Args:
        network: name of a plugin, of a recipe file such as `network/resnet18.yaml`, or a Darknet `.cfg` file.

    Raises:
        UnknownNameError: if there is no such plugin; the nearest is offered.
        ConfigError: if there is no such recipe, or it has no network.
    """
    if pathlib.Path(network).suffix == _DARKNET:
        return network, {}, ()
    if pathlib.Path(network).suffix not in _RECIPE:
        locate("network", network)
        return network, {}, ()
    recipe = Recipe()
    recipe.add_file(network)
    content = plain(recipe.resolved())
    part = content.get("network")
    part = {"name": part} if isinstance(part, str) else part
    if not isinstance(part, dict) or not isinstance(part.get("name"), str):
        raise ConfigError(f"{network}: expected a recipe with a network. Received: network={part!r}.")
    settings = {key: value for key, value in part.items() if key != "name"}
    if _OF_ALL in content:
        settings.setdefault(_OF_ALL, content[_OF_ALL])
    lengths = [content.get(name) for name in _LENGTHS]
    return part["name"], settings, tuple(lengths) if all(isinstance(length, int) for length in lengths) else ()


def build(network: str, settings: Mapping[str, Any], input_shape: Shape) -> Any:
    """Returns the built model.

    Args:
        network: name of a plugin or of a recipe file, or a Darknet `.cfg` file.
        settings: of the network; they go before those of the recipe. A `.cfg` file has none.
        input_shape: (h, w, c); empty takes the recipe's.

    Raises:
        UnknownNameError: if there is no such plugin; the nearest is offered.
        ConfigError: if there is no such recipe, no shape is known, or a setting cannot be.
    """
    if pathlib.Path(network).suffix == _DARKNET:
        return _of_darknet(network, settings, input_shape)
    name, own, shape = described(network)
    shape = tuple(input_shape) or shape
    if not shape:
        raise ConfigError(f"input_shape: expected the shape of a picture that {network} takes, such as 32x32x3.")
    import keras

    module = resolve("network", name)
    config = from_mapping(module.Config, {**own, **settings}, name)
    return module.build(config, keras.Input(shape))


def _of_darknet(network: str, settings: Mapping[str, Any], input_shape: Shape) -> Any:
    if settings or input_shape:
        raise ConfigError(f"{network}: expected no settings: a .cfg file says all itself. Received: {dict(settings)}.")
    from source.modeler.importing import darknet_model

    return darknet_model.build(network)
