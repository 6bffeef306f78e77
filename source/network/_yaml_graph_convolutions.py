"""Convolutions, dense layers and their relatives, from their settings in YAML."""

from typing import Any

import keras
from keras import ops

from source.config.errors import ConfigError
from source.layer.channel_gate import ChannelGate
from source.layer.hadamard import Hadamard
from source.layer.transformation import Tensor
from source.network import _yaml_graph_objects as objects
from source.network._yaml_graph_making import Making
from source.network._yaml_graph_settings import Normalization

_SEEN = {"l1": ops.abs, "l2": ops.square}


def convolution(making: Making, x: Tensor) -> Tensor:
    """Returns a convolution of x, normalized and activated.

    Args:
        making: of the node.
        x: (b, h, w, c).
    """
    own = making.own_activation()
    return making.finished(_convolved(making, x, activation=own), activated=own is not None)


def gated_convolution(making: Making, x: Tensor) -> Tensor:
    """Returns a convolution of which, for each image, only the most salient channels are let through.

    Gao et al.: Dynamic channel pruning: feature boosting and suppression, 2019, https://arxiv.org/abs/1810.05331

    Args:
        making: of the node.
        x: (b, h, w, c).

    Raises:
        ConfigError: without a normalization that scales and centers, whose places saliencies and gate take.
    """
    settings = making.settings
    norm = settings.batch_normalization
    if norm is None or not norm.scale or not norm.center:
        raise ConfigError(
            f"{making.where}.batch_normalization: a gated convolution needs a normalization that scales and centers: "
            "saliencies take the place of the scale. Write `batch_normalization: {}`."
        )
    y = _convolved(making, x)
    unit = Normalization(momentum=norm.momentum, epsilon=norm.epsilon, scale=False, center=False)
    y = making.normalized(y, unit, "norm", trainable=settings.trainable)
    saliency = _saliency(making, _pooled(making, x))
    gate = making.layer(
        ChannelGate, "gate", density=settings.gate.density, strength=settings.gate.strength, dtype="float32"
    )
    y = gate(y, saliency)
    gate.let_through(settings.gate.density)
    gate.trainable = settings.trainable
    return making.activated(y)


def depthwise_convolution(making: Making, x: Tensor) -> Tensor:
    """Returns a convolution of each channel of x alone, normalized and activated.

    Args:
        making: of the node.
        x: (b, h, w, c).
    """
    own = making.own_activation()
    y = _depthwise(making, x, "depthwise_initializer", "depthwise_regularizer", activation=own)
    return making.finished(y, activated=own is not None)


def hadamard_convolution(making: Making, x: Tensor) -> Tensor:
    """Returns a convolution of each channel alone, then a Walsh-Hadamard transform, normalized and activated.

    The transform stands in the place of a 1x1 convolution and has no weights.

    Args:
        making: of the node.
        x: (b, h, w, c), c a power of two.

    Raises:
        ConfigError: unless both counts of channels are powers of two and there are not less than before.
    """
    channels = x.shape[-1]
    filters = making.settings.filters or channels
    if channels & (channels - 1) or filters & (filters - 1) or filters < channels:
        raise ConfigError(
            f"{making.where}.filters: channels must be a power of two, and at least as many after as before. "
            f"Received: {channels} before, filters={filters}."
        )
    settings = making.settings
    if filters == channels:
        x = _depthwise(making, x, "kernel_initializer", "kernel_regularizer")
    else:
        x = _convolved(making, x, filters, channels)
    return making.finished(making.layer(Hadamard, "hadamard", trainable=settings.trainable)(x))


def hadamard(making: Making, x: Tensor) -> Tensor:
    """Returns the Walsh-Hadamard transform of x over channels, normalized and activated.

    Args:
        making: of the node.
        x: (b, ..., c), c a power of two.
    """
    settings = making.settings
    layer = making.layer(Hadamard, variable_scales=settings.variable_scales, trainable=settings.trainable)
    return making.finished(layer(x))


def fully_connected(making: Making, x: Tensor) -> Tensor:
    """Returns a dense layer of x, normalized and activated.

    Args:
        making: of the node.
        x: (b, d).

    Raises:
        ConfigError: for images, which have to be flattened first.
    """
    if len(x.shape) != 2:
        raise ConfigError(
            f"{making.where}: a fully connected layer takes features (b, d); put a layer of type flatten before it. "
            f"Received: shape={tuple(x.shape)}."
        )
    settings = making.settings
    making.require_weights(x.shape[-1], settings.units)
    own = making.own_activation()
    dense = making.layer(
        keras.layers.Dense,
        units=settings.units,
        kernel_initializer=making.initializer("kernel_initializer"),
        kernel_regularizer=making.regularizer("kernel_regularizer"),
        activation=own,
        **making.biased(),
    )
    return making.finished(dense(x), activated=own is not None)


def _convolved(
    making: Making, x: Tensor, filters: int | None = None, groups: int | None = None, activation: str | None = None
) -> Tensor:
    settings = making.settings
    filters, groups = filters or settings.filters, groups or settings.groups
    making.require_weights(*settings.kernel_size, x.shape[-1], filters)
    if x.shape[-1] % groups or filters % groups:
        raise ConfigError(
            f"{making.where}.groups: must divide the channels before and after. Received: groups={groups} with "
            f"{x.shape[-1]} before and filters={filters}."
        )
    x, padding = making.padded(x, settings.padding)
    return making.layer(
        keras.layers.Conv2D,
        filters=filters,
        groups=groups,
        padding=padding,
        activation=activation,
        kernel_initializer=making.initializer("kernel_initializer"),
        kernel_regularizer=making.regularizer("kernel_regularizer"),
        **_places(settings),
        **making.biased(),
    )(x)


def _depthwise(making: Making, x: Tensor, initializer: str, regularizer: str, activation: str | None = None) -> Tensor:
    settings = making.settings
    multiplier = getattr(settings, "depth_multiplier", 1)
    making.require_weights(*settings.kernel_size, x.shape[-1], multiplier)
    x, padding = making.padded(x, settings.padding)
    return making.layer(
        keras.layers.DepthwiseConv2D,
        depth_multiplier=multiplier,
        padding=padding,
        activation=activation,
        depthwise_initializer=making.initializer(initializer),
        depthwise_regularizer=making.regularizer(regularizer),
        **_places(settings),
        **making.biased(),
    )(x)


def _places(settings: Any) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in ("kernel_size", "strides", "dilation_rate")}


def _pooled(making: Making, x: Tensor) -> Tensor:
    """Returns what the predictor of a gate sees of x, (b, c)."""
    # A model of its own: Keras names operations by itself, and other names in the model around may be the same.
    inputs = keras.Input(batch_shape=x.shape, dtype=x.dtype)
    pool = making.settings.gate.pool
    seen = ops.cast(inputs, "float32")
    seen = _SEEN[pool](seen) if pool in _SEEN else seen
    seen = ops.max(seen, axis=(1, 2)) if pool == "max" else ops.mean(seen, axis=(1, 2))
    return keras.Model(inputs, seen, name=making.named("seen"))(x)


def _saliency(making: Making, seen: Tensor) -> Tensor:
    """Returns the saliency of each channel: at first 1, and a little that depends on what is seen."""
    return making.layer(
        keras.layers.Dense,
        "saliency",
        units=making.settings.filters,
        activation="relu",
        kernel_initializer=objects.initializer(("truncated_normal", {"stddev": 0.05}), making.where),
        bias_initializer="ones",
        trainable=making.settings.trainable,
        dtype="float32",  # which are the largest should not hang on how they are rounded
    )(seen)
