"""Every type of layer in YAML that is no convolution, and the table of all types."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from source.config.errors import ConfigError
from source.layer.local_response_normalization import LocalResponseNormalization
from source.layer.transformation import Tensor
from source.network import _yaml_graph_convolutions as convolutions
from source.network._yaml_graph_making import Making

_POOLS = {
    "max": (keras.layers.MaxPooling2D, keras.layers.GlobalMaxPooling2D),
    "average": (keras.layers.AveragePooling2D, keras.layers.GlobalAveragePooling2D),
}


def _max_pool(making: Making, x: Tensor) -> Tensor:
    return _pool(making, x, "max")


def _average_pool(making: Making, x: Tensor) -> Tensor:
    return _pool(making, x, "average")


def _pool(making: Making, x: Tensor, kind: str) -> Tensor:
    window, whole = _POOLS[kind]
    settings = making.settings
    if settings.pool_size == "global":
        return making.layer(whole, keepdims=True)(x)
    x, padding = making.padded(x, settings.padding)
    size = tuple(_side(making, given, side) for given, side in zip(settings.pool_size, x.shape[1:3], strict=True))
    strides = settings.strides or size
    if size == strides == (1, 1):
        return x
    return making.layer(window, pool_size=size, strides=strides, padding=padding)(x)


def _side(making: Making, given: int | None, side: int | None) -> int:
    """Returns the length of one side of a window, which is at most that of the image."""
    if given is None and side is None:
        raise ConfigError(
            f"{making.where}.pool_size: null takes all rows or columns, whose number is not known here. "
            'Give images of a fixed size, or take "global".'
        )
    return min(each for each in (given, side) if each is not None)


def _batch_normalization(making: Making, x: Tensor) -> Tensor:
    return making.activated(making.normalized(x, making.settings, "", trainable=making.settings.trainable))


def _local_response_normalization(making: Making, x: Tensor) -> Tensor:
    names = ("depth_radius", "bias", "alpha", "beta")
    return making.layer(LocalResponseNormalization, **{name: getattr(making.settings, name) for name in names})(x)


def _activation(making: Making, x: Tensor) -> Tensor:
    return making.activated(x, "")


def _dropout(making: Making, x: Tensor) -> Tensor:
    return making.layer(keras.layers.Dropout, rate=making.settings.rate)(x) if making.settings.rate else x


def _flatten(making: Making, x: Tensor) -> Tensor:
    return making.layer(keras.layers.Flatten)(x)


def _softmax(making: Making, x: Tensor) -> Tensor:
    return making.layer(keras.layers.Softmax, axis=making.settings.axis)(x)


def _identity(making: Making, x: Tensor) -> Tensor:
    return making.activated(making.layer(keras.layers.Identity)(x))


def _squeeze(making: Making, x: Tensor) -> Tensor:
    axes = _positive(making, x)
    if any(x.shape[axis] != 1 for axis in axes):
        raise ConfigError(
            f"{making.where}.axis: only axes of length 1 can be taken out. Received: axis={list(making.settings.axis)} "
            f"for shape={tuple(x.shape)}."
        )
    left = [length for axis, length in enumerate(x.shape) if axis and axis not in axes]
    return making.layer(keras.layers.Reshape, target_shape=_lengths(making, left))(x)


def _reduce_mean(making: Making, x: Tensor) -> Tensor:
    axes, keepdims = _positive(making, x), making.settings.keepdims
    if len(x.shape) == 4 and sorted(axes) == [1, 2]:
        return making.layer(keras.layers.GlobalAveragePooling2D, keepdims=keepdims)(x)
    # A model of its own: Keras names operations by itself, and other names in the model around may be the same.
    inputs = keras.Input(batch_shape=x.shape, dtype=x.dtype)
    return keras.Model(inputs, ops.mean(inputs, axis=axes, keepdims=keepdims), name=making.named())(x)


def _positive(making: Making, x: Tensor) -> tuple[int, ...]:
    """Returns the axes of the settings counted from the front."""
    rank = len(x.shape)
    axes = tuple(axis % rank if -rank < axis < rank else 0 for axis in making.settings.axis)
    if 0 in axes or len(set(axes)) < len(axes):
        raise ConfigError(
            f"{making.where}.axis: expected different axes from 1 to {rank - 1}. "
            f"Received: axis={list(making.settings.axis)}."
        )
    return axes


def _concat(making: Making, tensors: Sequence[Tensor]) -> Tensor:
    return making.layer(keras.layers.Concatenate, axis=making.settings.axis)(tensors)


def _add(making: Making, tensors: Sequence[Tensor]) -> Tensor:
    return making.layer(keras.layers.Add)(tensors)


def _mul(making: Making, tensors: Sequence[Tensor]) -> Tensor:
    return making.layer(keras.layers.Multiply)(tensors)


def _split(making: Making, x: Tensor) -> list[Tensor]:
    """Returns equal parts of the channels."""
    parts, channels = making.outputs, x.shape[-1]
    if len(x.shape) != 4 or channels % parts:
        raise ConfigError(
            f"{making.where}: images can be split where `to` names a divisor of their channels. Received: "
            f"{parts} names for shape={tuple(x.shape)}."
        )
    width = channels // parts
    edges = [((0, 0), (part * width, channels - (part + 1) * width)) for part in range(parts)]
    # Cropping2D crops the last two axes when it is told that channels come first; here those are columns (nothing) and
    # channels. No other layer of Keras takes channels out.
    return [
        making.layer(keras.layers.Cropping2D, f"part{part}", cropping=edge, data_format="channels_first")(x)
        for part, edge in enumerate(edges, 1)
    ]


def _space_to_depth(making: Making, x: Tensor) -> Tensor:
    block = making.settings.block_size
    _, height, width, channels = x.shape
    if height is None or width is None or height % block or width % block:
        raise ConfigError(
            f"{making.where}.block_size: must divide rows and columns, whose number must be known. "
            f"Received: block_size={block} for shape={tuple(x.shape)}."
        )
    rows, columns = height // block, width // block
    x = making.layer(keras.layers.Reshape, "blocks", target_shape=(rows, block, columns, block, channels))(x)
    x = making.layer(keras.layers.Permute, "order", dims=(1, 3, 2, 4, 5))(x)
    return making.layer(keras.layers.Reshape, target_shape=(rows, columns, block * block * channels))(x)


def _pad(making: Making, x: Tensor) -> Tensor:
    return making.layer(keras.layers.ZeroPadding2D, padding=making.settings.padding)(x)


def _crop(making: Making, x: Tensor) -> Tensor:
    return making.layer(keras.layers.Cropping2D, cropping=making.settings.cropping)(x)


def _zipf(making: Making, x: Tensor) -> Tensor:
    """Returns x with channel n (from 1) times 1 / n, divided by the sum of all 1 / n."""
    scales = [1.0 / place for place in range(1, x.shape[-1] + 1)]
    total = sum(scales)
    return making.layer(keras.layers.Rescaling, scale=[scale / total for scale in scales])(x)


def _lengths(making: Making, lengths: list[int | None]) -> tuple[int, ...]:
    """Returns a target shape, in which -1 stands for one length that is not known."""
    if lengths.count(None) > 1:
        raise ConfigError(f"{making.where}: at most one length but the batch may be unknown. Received: {lengths}.")
    return tuple(-1 if length is None else length for length in lengths)


# From a type to what makes its tensors from one tensor, or from a list of them.
MAKERS: dict[str, Callable[[Making, Any], Any]] = {
    "convolution": convolutions.convolution,
    "depthwise_convolution": convolutions.depthwise_convolution,
    "gated_convolution": convolutions.gated_convolution,
    "hadamard_convolution": convolutions.hadamard_convolution,
    "fully_connected": convolutions.fully_connected,
    "hadamard": convolutions.hadamard,
    "max_pool": _max_pool,
    "average_pool": _average_pool,
    "batch_normalization": _batch_normalization,
    "local_response_normalization": _local_response_normalization,
    "activation": _activation,
    "dropout": _dropout,
    "flatten": _flatten,
    "softmax": _softmax,
    "identity": _identity,
    "squeeze": _squeeze,
    "reduce_mean": _reduce_mean,
    "concat": _concat,
    "add": _add,
    "mul": _mul,
    "split": _split,
    "space_to_depth": _space_to_depth,
    "pad": _pad,
    "crop": _crop,
    "zipf": _zipf,
}
