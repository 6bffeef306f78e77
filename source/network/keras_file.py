"""A model of your own, from a `.keras` file: its architecture, and its weights to begin with."""

import os

import keras

from source.config.config import NetworkConfig, PathText
from source.config.errors import ConfigError
from source.config.settings import adopt, settings
from source.layer.load_model import load_model


@settings
class Config(NetworkConfig):
    """Settings of a network from a file.

    Attributes:
        path: the `.keras` file, such as `finished.keras` of a run; needed.
        fresh: begin with new weights, drawn as the layers say, in the place of those of the file.
    """

    path: PathText = ""
    fresh: bool = False


def build(config: Config, inputs: keras.KerasTensor) -> keras.Model:
    """Returns the model of a file; it is loaded in Keras' safe mode.

    Args:
        config: a `Config` with `path`.
        inputs: images, (b, h, w, c), of the shape that the model takes.

    Returns:
        The model, whose output must be (b, num_classes) logits.

    Raises:
        ConfigError: if no file is named, if it is missing or cannot be loaded, or the model takes other inputs.
    """
    config = adopt(Config, config)
    if not config.path:
        raise ConfigError("path: keras_file needs the path of a `.keras` file: network.path=model.keras.")
    model = load_model(config.path)
    given, wanted = tuple(inputs.shape[1:]), _image_shape(model)
    if any(None not in pair and pair[0] != pair[1] for pair in zip(given, wanted, strict=False)) or len(given) != len(
        wanted
    ):
        raise ConfigError(
            f"path: the model of {os.path.basename(config.path)} takes images {wanted}. Received: {given}. Set "
            "image_height, image_width and image_depth."
        )
    if config.fresh:
        model = keras.models.clone_model(model)
    return model


def _image_shape(model: keras.Model) -> tuple[int | None, ...]:
    shape = model.input_shape
    if isinstance(shape, (list, dict)) and len(shape) != 1:
        raise ConfigError(f"path: expected a model of one input. This one has {len(shape)}.")
    while isinstance(shape, (list, dict)):
        shape = next(iter(shape.values() if isinstance(shape, dict) else shape))
    return tuple(shape[1:])
