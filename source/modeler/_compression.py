"""The compressor of a modeler: found by its name, and given training images to calibrate on."""

from typing import Any

import keras
import numpy as np

from source.compressor.compressor import Compressor
from source.config import plugin
from source.config.config import ModelerConfig
from source.config.errors import ConfigError
from source.config.settings import from_mapping
from source.config.training_share import MANY_STEPS, has_shares, in_steps
from source.layer.compressed import placed_transformations, transformations_of
from source.layer.transformation import Transformation

_BATCHES = 4  # of training images, for limits and learned steps to begin at


def create(config: ModelerConfig, given: Compressor | None, steps: int = MANY_STEPS) -> Compressor | None:
    """Returns the compressor that was given, else the one that the settings name, else None.

    Args:
        config: `compressor` and `compressor_options` are read.
        given: a compressor made elsewhere.
        steps: of the training, which shares such as "50%" are of.

    Raises:
        ConfigError: if there are two, if what was given is none, or if its settings cannot be.
        UnknownNameError: for a name that nothing answers to.
    """
    if given is not None and not isinstance(given, Compressor):
        raise ConfigError(f"compressor: expected a compressor, or None. Received: {given!r}.")
    if config.compressor is None:
        return given
    if given is not None:
        raise ConfigError(
            f"compressor: `{config.compressor}` is named in the settings and `{given.name}` was given to `build`. "
            "Leave one out; `chain` does several at once."
        )
    module = plugin.resolve("compressor", config.compressor)
    options = in_steps(config.compressor_options, steps)
    compressor: Compressor = module.build(from_mapping(module.Config, options, "compressor_options"))
    return compressor


def for_steps(config: ModelerConfig, compressor: Compressor | None, steps: int) -> Compressor | None:
    """Returns the compressor of a training of so many steps: another one if its settings have shares of it.

    Args:
        config: `compressor` and `compressor_options` are read.
        compressor: what `create` returned before the number of steps was known.
        steps: of the training.
    """
    return create(config, None, steps) if has_shares(config.compressor_options) else compressor


def training_images(inputter: Any, replicas: int) -> list[np.ndarray]:
    """Returns the images of the first training batches, float32 (b, h, w, c) each, as the network sees them.

    Args:
        inputter: the inputter of the run; it has training data.
        replicas: devices that share a step.
    """
    batches = inputter.input_fn("train", replicas=replicas).take(_BATCHES)
    return [batch["image"].numpy() for batch in batches]


def states(model: keras.Model) -> set[int]:
    """Returns the `id` of every variable that is a state of compression and no weight of the network.

    Args:
        model: prepared by a compressor, or not.
    """
    return {id(variable) for each in transformations_of(model) for variable in each.variables}


def seen_through(model: keras.Model) -> list[tuple[str, str, str]]:
    """Returns layer, place and description with all settings of every transformation of a model, in order.

    Args:
        model: prepared by a compressor, or not.
    """
    return [(layer, place, _described(each)) for layer, place, each in placed_transformations(model)]


def _described(transformation: Transformation) -> str:
    settings = {name: value for name, value in transformation.get_config().items() if name != "name"}
    return f"{type(transformation).__name__}({', '.join(f'{name}={value}' for name, value in settings.items())})"


def stand_in_images(image_shape: tuple[int, int, int]) -> list[np.ndarray]:
    """Returns images of noise, for a model whose calibration is to be read from a checkpoint.

    Args:
        image_shape: (h, w, c).
    """
    return [np.random.default_rng(0).normal(size=(2, *image_shape)).astype(np.float32)]
