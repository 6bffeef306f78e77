"""Builds the Keras model that a Darknet `.cfg` file describes.

The formats are those of https://github.com/AlexeyAB/darknet.
"""

import pathlib
from typing import Any

import keras

from source.config.errors import ConfigError
from source.modeler.importing import darknet_layout
from source.modeler.importing.darknet_layout import Layer

_HEADS = ("yolo", "region", "detection")
_EPSILON = 1e-5
_MOMENTUM = 0.99
_LARGEST_FILE = 1_000_000
_NAMED = {"relu": "relu", "relu6": "relu6", "logistic": "sigmoid", "tanh": "tanh", "mish": "mish", "swish": "silu"}


def build(path: str) -> keras.Model:
    """Returns the model of a file; layers are called `layer<number>`, with `_norm` and the like behind.

    Each `[yolo]`, `[region]` or `[detection]` is an output as it comes in, before boxes are made of it; without any,
    the last layer is. Pictures are RGB from 0 to 1, (b, h, w, c).

    Args:
        path: of the `.cfg` file.

    Raises:
        ConfigError: if there is no such file, or a layer cannot be built.
    """
    file = pathlib.Path(path)
    try:
        if file.stat().st_size > _LARGEST_FILE:
            raise ValueError(f"expected a description of a network, and the file has {file.stat().st_size:,} bytes")
        layers, picture = darknet_layout.parse(file.read_text(encoding="utf-8", errors="replace"))
        return _model(layers, picture, file.stem)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {' '.join(str(error).split())}.") from error


def _model(layers: list[Layer], picture: tuple[int, int, int], name: str) -> keras.Model:
    inputs = keras.Input(picture, name="picture")
    made: dict[int, Any] = {-1: inputs}
    outputs = []
    for layer in layers:
        given = [made[place] for place in layer.inputs]
        made[layer.index] = _MAKERS.get(layer.kind, _as_it_is)(layer, given)
        if layer.kind in _HEADS:
            outputs.append(made[layer.index])
        elif tuple(made[layer.index].shape[1:]) not in (layer.output, layer.output[-1:]):
            shape = tuple(made[layer.index].shape[1:])
            raise ValueError(f"layer {layer.index} [{layer.kind}] should give {layer.output} and gives {shape}")
    safe = "".join(letter if letter.isalnum() else "_" for letter in name)
    return keras.Model(inputs, outputs or made[len(layers) - 1], name=safe or "darknet")


def _as_it_is(layer: Layer, given: list[Any]) -> Any:
    if layer.kind not in (*_HEADS, "cost"):
        raise ValueError(f"layer {layer.index} is [{layer.kind}], for which there is no Keras layer here")
    return given[0]


def _convolution(layer: Layer, given: list[Any]) -> Any:
    [x] = given
    name = f"layer{layer.index}"
    size, stride = layer.number("size", 1), layer.number("stride", 1)
    padding = size // 2 if layer.number("pad", 0) else layer.number("padding", 0)
    same = stride == 1 and size == 2 * padding + 1
    if padding and not same:
        x = keras.layers.ZeroPadding2D(padding, name=f"{name}_pad")(x)
    options: dict[str, Any] = {
        "kernel_size": size,
        "strides": stride,
        "padding": "same" if same else "valid",
        "use_bias": not layer.number("batch_normalize", 0),
        "name": name,
    }
    if darknet_layout.DEPTHWISE in layer.arrays:
        x = keras.layers.DepthwiseConv2D(**options)(x)
    else:
        x = keras.layers.Conv2D(layer.number("filters", 1), groups=layer.number("groups", 1), **options)(x)
    return _activated(layer, _normalized(layer, x))


def _connected(layer: Layer, given: list[Any]) -> Any:
    [x] = given
    name = f"layer{layer.index}"
    if len(x.shape) == 4:  # Darknet flattens channel by channel
        x = keras.layers.Permute((3, 1, 2), name=f"{name}_channels_first")(x)
        x = keras.layers.Flatten(name=f"{name}_flat")(x)
    x = keras.layers.Dense(layer.number("output", 1), use_bias=not layer.number("batch_normalize", 0), name=name)(x)
    return _activated(layer, _normalized(layer, x))


def _normalized(layer: Layer, x: Any) -> Any:
    if not layer.number("batch_normalize", 0):
        return x
    return keras.layers.BatchNormalization(momentum=_MOMENTUM, epsilon=_EPSILON, name=f"layer{layer.index}_norm")(x)


def _activated(layer: Layer, x: Any) -> Any:
    default = "logistic" if layer.kind in ("convolutional", "connected") else "linear"
    kind, name = (
        layer.options.get("activation", default),
        f"layer{layer.index}_{layer.options.get('activation', default)}",
    )
    if kind == "linear":
        return x
    if kind == "leaky":
        return keras.layers.LeakyReLU(negative_slope=0.1, name=name)(x)
    if kind not in _NAMED:
        raise ValueError(f"layer {layer.index} [{layer.kind}]: no activation is called {kind} here")
    return keras.layers.Activation(_NAMED[kind], name=name)(x)


def _max_pool(layer: Layer, given: list[Any]) -> Any:
    stride = layer.number("stride", 1)
    size = layer.number("size", stride)
    # Elsewhere Darknet's window begins before TensorFlow's, and what it pads with would count.
    if layer.number("padding", size - 1) != size - 1 or not (stride == 1 or size == stride == 2):
        raise ValueError(f"layer {layer.index} [maxpool]: expected stride 1, or size 2 and stride 2")
    return keras.layers.MaxPooling2D(size, strides=stride, padding="same", name=f"layer{layer.index}")(given[0])


def _average_pool(layer: Layer, given: list[Any]) -> Any:
    return keras.layers.GlobalAveragePooling2D(keepdims=True, name=f"layer{layer.index}")(given[0])


def _upsample(layer: Layer, given: list[Any]) -> Any:
    return keras.layers.UpSampling2D(layer.number("stride", 2), name=f"layer{layer.index}")(given[0])


def _dropout(layer: Layer, given: list[Any]) -> Any:
    try:
        rate = float(layer.options.get("probability", "0.5"))
    except ValueError:
        rate = -1.0
    if not 0 <= rate < 1:
        raise ValueError(f"layer {layer.index} [dropout]: probability must be from 0 to below 1")
    return keras.layers.Dropout(rate, name=f"layer{layer.index}")(given[0])


def _shortcut(layer: Layer, given: list[Any]) -> Any:
    if len({tuple(each.shape) for each in given}) > 1 or "weights_type" in layer.options:
        raise ValueError(f"layer {layer.index} [shortcut]: expected inputs of one shape, added without weights")
    return _activated(layer, keras.layers.Add(name=f"layer{layer.index}")(given))


def _route(layer: Layer, given: list[Any]) -> Any:
    x = given[0] if len(given) == 1 else keras.layers.Concatenate(name=f"layer{layer.index}")(given)
    groups, group = layer.number("groups", 1), layer.number("group_id", 0)
    if groups == 1:
        return x
    channels = x.shape[-1] // groups
    return x[..., group * channels : (group + 1) * channels]


def _product(layer: Layer, given: list[Any]) -> Any:
    return _activated(layer, keras.layers.Multiply(name=f"layer{layer.index}")(given))


def _softmax(layer: Layer, given: list[Any]) -> Any:
    return keras.layers.Softmax(name=f"layer{layer.index}")(given[0])


_MAKERS = {
    "convolutional": _convolution,
    "connected": _connected,
    "maxpool": _max_pool,
    "avgpool": _average_pool,
    "upsample": _upsample,
    "dropout": _dropout,
    "shortcut": _shortcut,
    "route": _route,
    "sam": _product,
    "scale_channels": _product,
    "softmax": _softmax,
}
