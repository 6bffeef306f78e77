"""Convolutions and dense layers of a model as operations of integers."""

import dataclasses

import keras
import numpy as np
from keras import ops

from source.config.errors import ConfigError
from source.exporter.integer._windows import Margins, Pair, pair, same_margins
from source.exporter.integer.products import Convolution, Dense, DepthwiseConvolution, Product
from source.exporter.integer.requantization import quantized_multipliers
from source.exporter.integer.tensor import Codes
from source.exporter.integer_lowering._activations import Cut, limits_of
from source.exporter.integer_lowering._grid import weight_codes
from source.exporter.integer_lowering._nodes import Node
from source.exporter.integer_lowering._steps import Steps

# What a sum of few bits is shifted left by, at most: further bits of a bias change no code of 8 bits.
_MOST_HEADROOM = 16
_BIAS_BITS = 30


@dataclasses.dataclass(frozen=True)
class Affine:
    """gain * x + offset for each channel, float64: what a batch normalization computes in inference.

    Attributes:
        gain: one a channel, or one for all.
        offset: likewise.
    """

    gain: np.ndarray = dataclasses.field(default_factory=lambda: np.ones(1))
    offset: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(1))

    @classmethod
    def of(cls, node: Node) -> "Affine":
        """Returns the gain and the offset of a batch normalization.

        Args:
            node: a call of the layer.

        Raises:
            ConfigError: if its axis is not the last.
        """
        layer = node.operation
        if layer.axis not in (-1, len(layer.get_build_config()["input_shape"]) - 1):
            raise ConfigError(f"Layer `{node.name}`: a normalization of axis {layer.axis} is not one of channels.")
        mean, variance = (_array(each) for each in (layer.moving_mean, layer.moving_variance))
        gamma = _array(layer.gamma) if layer.scale else np.ones_like(mean)
        beta = _array(layer.beta) if layer.center else np.zeros_like(mean)
        gain = gamma / np.sqrt(variance + layer.epsilon)
        return cls(gain, beta - gain * mean)


def is_product(node: Node) -> bool:
    """Returns whether a call multiplies with weights and has an integer operation.

    Args:
        node: any.
    """
    return type(node.operation) in (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Dense)


def product(node: Node, source: Codes, steps: Steps, cut: Cut, affine: Affine) -> Product:
    """Returns the integer operation of a call; its output has no name yet.

    With scales s of the input, t of a channel's weights, u of the output and a gain g: a step of the accumulator is
    s * t * |g| / 2^headroom, and its factor that over u. Weights of channels with a negative gain change their sign.

    Args:
        node: a call of a convolution or a dense layer.
        source: what it is given.
        steps: what its output is rounded to.
        cut: of activations after it.
        affine: between it and the activation.

    Raises:
        ConfigError: for weights that are no multiples of scales.
    """
    layer = node.operation
    if getattr(layer, "data_format", "channels_last") != "channels_last":
        raise ConfigError(f"Layer `{node.name}` has its channels first. Build the model with the channels last.")
    kernel = np.asarray(ops.convert_to_numpy(layer.kernel), np.float32)
    depthwise = type(layer) is keras.layers.DepthwiseConv2D
    channels = kernel.shape[2] * kernel.shape[3] if depthwise else kernel.shape[-1]
    codes, scales = weight_codes(kernel.reshape(-1, channels), node.name)
    gain, offset = (np.broadcast_to(each, (channels,)) for each in (affine.gain, affine.offset))
    bias = (_array(layer.bias) if layer.use_bias else np.zeros(channels)) * gain + offset
    codes = np.where(gain < 0, -codes, codes)
    unit = source.scale * scales.astype(np.float64) * np.abs(gain)
    codes = np.where(unit > 0, codes, 0)
    # A channel of zeros has no scale: its bias is held with 16 bits.
    unit = np.where(unit > 0, unit, np.maximum(np.abs(bias), steps.scale) / 2.0**16)
    codes, unit = _with_room_for_bias(codes, unit, bias)
    headroom = _headroom(codes, source, bias / unit, min(source.bits, steps.bits))
    multiplier, shift = quantized_multipliers(unit / (steps.scale * 2.0**headroom))
    whole = bias / unit * 2.0**headroom
    whole = np.sign(whole) * np.floor(np.abs(whole) + 0.5)
    stored = codes.reshape(kernel.shape).astype(np.int8 if -128 <= codes.min() <= codes.max() <= 127 else np.int16)
    limits = limits_of(steps, cut)
    bias_steps = whole.astype(np.int32)
    common = Dense(node.name, (source.name,), "", multiplier, shift, limits, stored, bias_steps, headroom)
    if isinstance(layer, keras.layers.Dense):
        return common
    strides, dilation, margins = _windows(layer, source)
    settings = {field.name: getattr(common, field.name) for field in dataclasses.fields(common)}
    settings |= {"strides": strides, "dilation": dilation, "margins": margins}
    return DepthwiseConvolution(**settings) if depthwise else Convolution(**settings, groups=layer.groups)


def _with_room_for_bias(codes: np.ndarray, unit: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns codes and steps of the accumulator such that every bias has at most 30 bits.

    A normalization with next to no gain makes a step so small that int32 does not hold the bias. The codes of such a
    channel lose their last bits: with 30 bits of bias, what they add is less than what a bias of 8 bits would lose.
    """
    excess = np.maximum(np.ceil(np.log2(np.maximum(np.abs(bias) / unit, 1.0))) - _BIAS_BITS, 0.0)
    return np.rint(codes / 2.0**excess).astype(np.int16), unit * 2.0**excess


def _headroom(codes: np.ndarray, source: Codes, bias: np.ndarray, bits: int) -> np.ndarray:
    """Returns by how many bits the sums of each channel can be shifted in int32.

    Converters shift by none, and their bias is half a step off: with 8 bits at both ends that is less than 1 % of a
    code, with few bits it would be much of one.
    """
    if bits >= 8:
        return np.zeros(len(bias), np.int32)
    magnitudes = np.abs(codes.astype(np.int64)).sum(axis=0) * (source.high - source.low) + np.abs(bias)
    lengths = np.frexp(magnitudes)[1]
    return np.clip(30 - lengths, 0, _MOST_HEADROOM).astype(np.int32)


def _windows(layer: keras.layers.Layer, source: Codes) -> tuple[Pair, Pair, Margins]:
    strides, dilation = pair(layer.strides), pair(layer.dilation_rate)
    same = layer.padding == "same"
    margins = same_margins(pair(source.shape), pair(layer.kernel_size), strides, dilation) if same else (0, 0, 0, 0)
    return strides, dilation, margins


def _array(variable: object) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(variable), np.float64)
