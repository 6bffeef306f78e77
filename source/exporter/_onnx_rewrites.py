"""Puts in the place of layers that ONNX cannot be made of others that compute the same, in a copy of the model."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from source.config.errors import ConfigError
from source.layer.calibrated_quantize import CalibratedQuantize
from source.layer.learned_quantize import LearnedLimit, LearnedStep
from source.surgery.fold import fold_batch_norm
from source.surgery.rewrite import rewrite

_DEPTHWISE = {keras.layers.Conv1D: keras.layers.DepthwiseConv1D, keras.layers.Conv2D: keras.layers.DepthwiseConv2D}
_CONVOLUTIONS = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)
_LEVELS = 256  # of the one rounding that is converted, which has 8 bits

Function = Callable[[Any], Any]


def convertible(model: keras.Model) -> keras.Model:
    """Returns a copy of a model with lists of inputs and outputs, of layers that the converter understands.

    Batch normalization becomes part of the layer beside it, whose codes stay what they are. Grouped convolutions become
    depthwise ones, or ones with zeros between groups; the constants of `Normalization` become numbers of the graph;
    rounding to at most 8 bits becomes cutting off and rounding to 8 bits.

    Args:
        model: functional or sequential, built.

    Raises:
        ConfigError: for a layer that cannot be expressed, naming it.
    """
    copied = rewrite(fold_batch_norm(model), _replacement)
    return keras.Model(copied.inputs, copied.outputs, name=model.name)


def _replacement(layer: keras.layers.Layer) -> Function | None:
    if isinstance(layer, _CONVOLUTIONS) and layer.groups > 1:
        return _grouped(layer)
    if isinstance(layer, keras.layers.Normalization):
        return _normalized(layer)
    if isinstance(layer, (CalibratedQuantize, LearnedLimit, LearnedStep)):
        return _rounded(layer)
    return None


def _grouped(layer: Any) -> Function:
    if layer.data_format != "channels_last":
        raise ConfigError(
            f"onnx: layer `{layer.name}` ({type(layer).__name__}) has {layer.groups} groups and channels first, which "
            "cannot be converted. Build the model with channels last."
        )
    return _depthwise(layer) if _is_depthwise(layer) else _with_zeros(layer)


def _is_depthwise(layer: Any) -> bool:
    """Whether every channel has filters of its own, with strides that TensorFlow's depthwise convolution knows."""
    return (
        type(layer) in _DEPTHWISE
        and layer.kernel.shape[-2] == 1
        and layer.padding != "causal"
        and len(set(layer.strides)) == 1
        and (max(layer.strides) == 1 or max(layer.dilation_rate) == 1)
    )


def _depthwise(layer: Any) -> Function:
    """Returns a depthwise convolution: filter c * m + k of the grouped one is its filter (c, k)."""
    kernel = np.asarray(layer.kernel)
    settings = _settings(layer, {"depth_multiplier": layer.filters // layer.groups, "name": layer.name})
    made = _DEPTHWISE[type(layer)](**settings, activation=layer.activation)
    made.build((None,) * (kernel.ndim - 1) + (layer.groups,))
    weights = [kernel.reshape(*kernel.shape[:-2], layer.groups, -1)]
    made.set_weights([*weights, np.asarray(layer.bias)] if layer.use_bias else weights)
    return made


def _with_zeros(layer: Any) -> Function:
    """Returns a convolution of one group whose kernel is zero between groups; the graph leaves the zeros out again."""
    kernel = np.asarray(layer.kernel)
    channels, filters = kernel.shape[-2], layer.filters // layer.groups
    whole = np.zeros((*kernel.shape[:-2], channels * layer.groups, layer.filters), kernel.dtype)
    for group in range(layer.groups):
        inputs = slice(group * channels, (group + 1) * channels)
        outputs = slice(group * filters, (group + 1) * filters)
        whole[..., inputs, outputs] = kernel[..., outputs]
    settings = _settings(layer, {"filters": layer.filters, "name": layer.name})
    made = type(layer)(**settings, activation=layer.activation)
    made.build((None,) * (kernel.ndim - 1) + (whole.shape[-2],))
    made.set_weights([whole, np.asarray(layer.bias)] if layer.use_bias else [whole])
    return made


def _settings(layer: Any, others: dict[str, Any]) -> dict[str, Any]:
    names = ("kernel_size", "strides", "padding", "dilation_rate", "use_bias")
    return {"dtype": layer.dtype_policy, **{name: getattr(layer, name) for name in names}, **others}


def _normalized(layer: keras.layers.Normalization) -> Function:
    """Returns (x - mean) / max(sqrt(variance), epsilon), or its inverse, with the layer's own numbers."""
    mean = np.asarray(ops.convert_to_numpy(layer.mean))
    deviation = np.maximum(np.sqrt(ops.convert_to_numpy(layer.variance)), np.float32(keras.config.epsilon()))
    dtype, invert = layer.compute_dtype, layer.invert

    def emit(x: Any) -> Any:
        numbers = ops.cast(x, dtype)
        return numbers * deviation + mean if invert else (numbers - mean) / deviation

    return emit


def _rounded(layer: Any) -> Function | None:
    """Returns the rounding as limits and a rounding to 8 bits with the same step; None for what has no such form."""
    unknown = isinstance(layer, CalibratedQuantize) and not float(ops.convert_to_numpy(layer.known))
    if layer.width > 8 or getattr(layer, "axis", None) is not None or unknown:
        return None
    low, high, step = _grid(layer)
    # Zero in the middle of the 8 bits, or at their lower end: whichever has room for all codes.
    middle = low >= -(_LEVELS // 2) and high < _LEVELS // 2 and low < 0
    first = -(_LEVELS // 2) if middle else low
    limits = float(np.float32(low) * step), float(np.float32(high) * step)
    ends = float(np.float32(first) * step), float(np.float32(first + _LEVELS - 1) * step)

    def emit(x: Any) -> Any:
        within = x if limits == ends else ops.clip(x, *limits)
        return keras.quantizers.fake_quant_with_min_max_vars(within, *ends)

    return emit


def _grid(layer: Any) -> tuple[int, int, np.float32]:
    """Returns the smallest and the largest code and the step of a rounding; zero has the code 0."""
    if isinstance(layer, LearnedStep):
        return layer.low, layer.high, np.float32(ops.convert_to_numpy(layer.value))
    if isinstance(layer, LearnedLimit):
        return layer.low, layer.high, np.float32(ops.convert_to_numpy(layer.value) / np.float32(layer.high))
    low, high = (np.float32(ops.convert_to_numpy(each)) for each in (layer.low, layer.high))
    codes = (1 << layer.width) - (2 if layer.symmetric else 1)
    step = np.float32((high - low) / np.float32(codes))
    zero = int(np.clip(np.floor(-low / step + np.float32(0.5)), 0, codes))
    return -zero, codes - zero, step
