"""Any network of `keras.applications` by name, with its input convention built in and a new head."""

import inspect
import os
import warnings
from collections.abc import Callable
from typing import Any, Literal

import keras

from source.config.config import NetworkConfig, PathText
from source.config.errors import CheckpointError, ConfigError, UnknownNameError
from source.config.nearest import did_you_mean
from source.config.settings import adopt, settings
from source.network import _application_inputs, _application_names, _head, _inputs, _settings


@settings
class Config(NetworkConfig):
    """Settings of a network of `keras.applications`.

    Attributes:
        application: its name there, such as "MobileNetV2", "ResNet50" or "EfficientNetB0".
        weights: what it starts from: None for random weights, the path of a file with the weights of the
            application without its top (`.weights.h5`, or `.h5` as Keras publishes them), or "imagenet",
            which Keras downloads once and keeps in its cache folder.
        input_convention: "pixels" when the images are RGB in [0, 255]: what the application's
            `preprocess_input` does is then part of the model. "native" when the images come as the
            application itself takes them.
        pooling: "avg" or "max" over all pixels, before the head.
        dropout: share of the pooled features dropped in training, from 0 to below 1.
        alpha: width multiplier, for the MobileNets only; None leaves theirs, 1.0.
    """

    application: str = "MobileNetV2"
    weights: PathText | None = None
    input_convention: Literal["pixels", "native"] = "pixels"
    pooling: Literal["avg", "max"] = "avg"
    dropout: float = 0.0
    alpha: float | None = None

    def __post_init__(self) -> None:
        NetworkConfig.__post_init__(self)
        _settings.require_shares(self, "dropout")


def build(config: NetworkConfig, inputs: keras.KerasTensor) -> keras.Model:
    """Returns the application without its top, behind its input convention and before a new dense head.

    The model is flat: layers keep the names that the application gives them (so weights are found by name),
    and those that it leaves unnamed are numbered per kind from 1, the same in every process. The head is
    called `logits`; `trainable_vars=("logits",)` trains it alone.

    Args:
        config: a `Config`, or a `NetworkConfig` for the defaults of all else.
        inputs: images, (b, h, w, 3), in the convention that `config.input_convention` says.

    Returns:
        A model whose output is (b, num_classes) float32 logits.

    Raises:
        UnknownNameError: if there is no such application; the nearest names are offered.
        ConfigError: if the inputs or a setting do not suit the application, or "imagenet" cannot be fetched.
        CheckpointError: if the weights file is missing or belongs to something else.
    """
    config = adopt(Config, config)
    application = _find(config.application)
    _inputs.require_images(inputs, config.application)
    if inputs.shape[-1] != 3:
        raise ConfigError(
            f"{config.application}: `inputs` must have 3 channels. Received: shape={tuple(inputs.shape)}."
        )
    x = inputs
    if config.input_convention == "pixels":
        x = _application_inputs.from_pixels(x, config.application)
    backbone = _without_top(application, config, x)
    if config.weights not in (None, "imagenet"):
        _restore(backbone, application, config)
    pool = {"avg": keras.layers.GlobalAveragePooling2D, "max": keras.layers.GlobalMaxPooling2D}
    features = pool[config.pooling](name="pool")(backbone.output)
    logits = _head.classify(features, config.num_classes, dropout=config.dropout)
    return _application_names.named(keras.Model(inputs, logits, name=config.application.lower()))


def applications() -> list[str]:
    """Returns the names of all networks that this Keras ships, sorted."""
    shipped = vars(keras.applications).items()
    return sorted(name for name, value in shipped if name[0].isupper() and callable(value))


def _find(name: str) -> Callable[..., keras.Model]:
    if name not in applications():
        raise UnknownNameError(
            f"application: `keras.applications` has no `{name}`. {did_you_mean(name, applications())}"
        )
    return getattr(keras.applications, name)


def _without_top(application: Callable[..., keras.Model], config: Config, x: keras.KerasTensor) -> keras.Model:
    """Returns the application from the source of `x` to its last features."""
    arguments: dict[str, Any] = {"include_top": False, "input_tensor": x, "input_shape": tuple(x.shape[1:])}
    if config.alpha is not None:
        if "alpha" not in inspect.signature(application).parameters:
            raise ConfigError(
                f"`alpha` must be left out for {config.application}, which has no width multiplier. "
                f"Received: alpha={config.alpha}."
            )
        arguments["alpha"] = config.alpha
    arguments["weights"] = "imagenet" if config.weights == "imagenet" else None
    try:
        return application(**arguments)
    except ValueError as error:
        raise ConfigError(f"{config.application} cannot be built: {error}") from error
    except Exception as error:  # `keras.utils.get_file` raises bare exceptions when it is offline
        if config.weights != "imagenet":
            raise
        raise ConfigError(
            f'`weights` must be a file, None, or "imagenet" where Keras can fetch or has cached it. '
            f"Received: weights='imagenet' for {config.application}, which failed: {error}. Put the file "
            f"into the folder `models` of Keras' home folder, or give a path."
        ) from error


def _restore(backbone: keras.Model, application: Callable[..., keras.Model], config: Config) -> None:
    """Gives `backbone` the weights of the file.

    They are read into a second one that begins with its own input: a file of Keras addresses layers by their
    place in the model, which the layers of the input convention would shift.
    """
    if not os.path.isfile(str(config.weights)):
        raise CheckpointError(
            f'`weights` must be None, "imagenet" or an existing file. Received: weights={config.weights!r}.'
        )
    plain = _without_top(application, config, keras.Input(backbone.input_shape[1:]))
    try:
        with warnings.catch_warnings():
            # Keras warns, and leaves random weights, where the file lacks a part of the model.
            warnings.simplefilter("error", UserWarning)
            plain.load_weights(config.weights)
    except (ValueError, OSError, KeyError, TypeError, UserWarning) as error:
        reason = " ".join(str(error).split())
        raise CheckpointError(
            f"`weights` must hold the weights of {config.application} without its top. "
            f"Received: weights={config.weights!r}, which does not fit: {reason}"
        ) from error
    weighted = [[layer for layer in model.layers if layer.weights] for model in (plain, backbone)]
    for source, target in zip(*weighted, strict=True):
        _application_names.carry_over(source, target)
