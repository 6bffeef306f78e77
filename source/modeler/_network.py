"""From whatever a user calls a network to a Keras model whose output is one row of logits per image."""

import inspect
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import keras

from source.config import plugin, settings
from source.config.errors import ConfigError
from source.config.nearest import did_you_mean
from source.modeler import _naming

_OFFERED = ("num_classes", "is_training", "data_format")


def build_model(
    network: Any, name: str | None, options: Mapping[str, Any], num_classes: int, image_shape: tuple[int, ...]
) -> keras.Model:
    """Returns the model that `network` means, checked to return logits (b, num_classes).

    Args:
        network: a module with `Config` and `build(config, inputs)`; a module with `net`; a function such as
            `net(inputs, num_classes, is_training=None, data_format="channels_last", ...)` that returns logits
            or `(logits, predictions)`; a function that returns a model; a model; or None, which resolves
            `name`.
        name: name of the network in the room `network`, for when `network` is None.
        options: settings of the network, by the names of its `Config` or of its function's arguments.
        num_classes: width of the output.
        image_shape: (h, w, c) of the image that the network sees.

    Raises:
        ConfigError: if there is no network, an option is unknown, or the model does not fit data and task.
    """
    if network is None:
        if name is None:
            raise ConfigError("network: a modeler needs a network: name one, or give one to `build`.")
        network = plugin.resolve("network", name)
    model = _assemble(network, options, num_classes, image_shape)
    _check_input(model, image_shape)
    _check_output(model, num_classes, image_shape)
    return model


def check_precision(model: keras.Model, precision: str) -> None:
    """Refuses a model that does not compute in the precision that is set.

    Args:
        model: a built model.
        precision: "float32", "mixed_bfloat16" or "mixed_float16".

    Raises:
        ConfigError: if no layer with weights computes in it, or one computes in float16 and nobody scales the
            loss.
    """
    used = {layer.compute_dtype for layer in _naming.all_layers(model) if layer.weights}
    wanted = precision.removeprefix("mixed_")
    if used and (wanted not in used or (wanted != "float16" and "float16" in used)):
        raise ConfigError(
            f"precision: the model works in {', '.join(sorted(used))}. A model that is built already keeps "
            f'its precision: build it under keras.config.set_dtype_policy("{precision}"). '
            f"Received: precision={precision!r}."
        )


def _assemble(network: Any, options: Mapping[str, Any], num_classes: int, image_shape: tuple[int, ...]) -> keras.Model:
    if isinstance(network, keras.Model):
        _refuse_options(network, options)
        return network
    if isinstance(network, ModuleType) and hasattr(network, "build") and hasattr(network, "Config"):
        given = {"num_classes": num_classes, **options}
        config = settings.from_mapping(network.Config, given, path="network_options")
        inputs = keras.Input(image_shape, name="image")
        return _as_model(network.build(config, inputs), inputs)
    function = getattr(network, "net", None) if isinstance(network, ModuleType) else network
    if not callable(function):
        raise ConfigError(
            "network: expected a module with `Config` and `build(config, inputs)`, a module with `net`, "
            f"a function, or a keras.Model. Received: {network!r}."
        )
    return _call(function, options, num_classes, image_shape)


def _refuse_options(network: keras.Model, options: Mapping[str, Any]) -> None:
    if options:
        raise ConfigError(
            f"network_options.{next(iter(options))}: a model that is built already takes no options. "
            f"Received: network={network.name!r}."
        )


def _call(
    function: Callable[..., Any], options: Mapping[str, Any], num_classes: int, image_shape: tuple[int, ...]
) -> keras.Model:
    """Calls a `net` function with those of the offered arguments and options that it takes."""
    parameters = inspect.signature(function).parameters
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    named = [name for name, kind in parameters.items() if kind.kind in (kind.POSITIONAL_OR_KEYWORD, kind.KEYWORD_ONLY)]
    positional = bool(named) and named[0] not in (*_OFFERED, *options)
    known = named[1:] if positional else named
    for option in options:
        if option not in known and not takes_any:
            raise ConfigError(f"network_options.{option}: unknown setting. {did_you_mean(option, known)}")
    offered = dict(zip(_OFFERED, (num_classes, None, "channels_last"), strict=True))
    arguments = {**{key: value for key, value in offered.items() if key in known}, **options}
    missing = [name for name in known if name not in arguments and parameters[name].default is inspect.Parameter.empty]
    if missing:
        raise ConfigError(f"network_options.{missing[0]}: the network's function needs this argument.")
    inputs = keras.Input(image_shape, name="image")
    return _as_model(function(*([inputs] if positional else []), **arguments), inputs)


def _as_model(result: Any, inputs: keras.KerasTensor) -> keras.Model:
    logits = result[0] if isinstance(result, (tuple, list)) and result else result
    if isinstance(logits, keras.Model):
        return logits
    if not keras.utils.is_keras_tensor(logits):
        raise ConfigError(
            "network: must return a keras.Model, logits, or (logits, predictions) made of the given inputs. "
            f"Received: {result!r}."
        )
    return keras.Model(inputs, logits, name="network")


def _check_input(model: keras.Model, image_shape: tuple[int, ...]) -> None:
    """Refuses a functional model whose one input does not take an image of `image_shape`."""
    shape = getattr(model, "input_shape", None) if model.built and hasattr(model, "inputs") else None
    if not isinstance(shape, tuple):
        return
    fits = len(shape) == 4 and all(
        wanted in (None, given) for wanted, given in zip(shape[1:], image_shape, strict=True)
    )
    if not fits:
        raise ConfigError(
            f"network: the model's input must take images of {image_shape}. Received: input_shape={shape}."
        )


def _check_output(model: keras.Model, num_classes: int, image_shape: tuple[int, ...]) -> None:
    shape = _output_shape(model, image_shape)
    if shape != (None, num_classes):
        raise ConfigError(
            f"network: the model must return logits of shape (None, {num_classes}), because "
            f"num_classes={num_classes}. Received: output_shape={shape}."
        )
    layer = _last_layer(model)
    activation = getattr(layer, "activation", None)
    if isinstance(layer, keras.layers.Softmax) or activation in (
        keras.activations.softmax,
        keras.activations.sigmoid,
    ):
        raise ConfigError(
            f"network: the model must return logits, but its last layer `{layer.name}` applies "
            f"{getattr(activation, '__name__', 'softmax')}. Build that layer with activation=None: "
            "the modeler computes probabilities itself."
        )


def _output_shape(model: keras.Model, image_shape: tuple[int, ...]) -> Any:
    """Returns the shape of the model's output, building the variables of a subclassed model on the way."""
    image = keras.Input(image_shape, name="image")
    outputs = model.output if getattr(model, "outputs", None) else model(image)
    return tuple(outputs.shape) if keras.utils.is_keras_tensor(outputs) else outputs


def _last_layer(model: keras.Model) -> Any:
    """Returns the layer that makes the output, looking through layers that only cast or rename it."""
    layers = list(model.layers)
    while layers:
        layer = layers.pop()
        if isinstance(layer, keras.Model):
            return _last_layer(layer)
        passes = isinstance(layer, (keras.layers.Identity, keras.layers.InputLayer)) or (
            isinstance(layer, keras.layers.Activation) and layer.activation is keras.activations.linear
        )
        if not passes:
            return layer
    return model
