"""Linear layers: which weight is multiplied by what, and the same layer for inputs or outputs scaled and moved."""

import math
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from source.layer import weight_paths
from source.layer.building import build_from_shapes
from source.numeric.grid import channel_grid

Numbers = np.ndarray[Any, Any]

_DEPTHWISE = (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)
_SEPARABLE = (keras.layers.SeparableConv1D, keras.layers.SeparableConv2D)
_TRANSPOSED = tuple(
    getattr(keras.layers, name)
    for name in ("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose")
    if hasattr(keras.layers, name)
)
_PLAIN = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)
_CONVOLUTIONS = (*_PLAIN, *_DEPTHWISE, *_SEPARABLE, *_TRANSPOSED)
_KINDS = (keras.layers.Dense, keras.layers.EinsumDense, *_CONVOLUTIONS)


class Affine(NamedTuple):
    """x * scale + offset for each channel, float64."""

    scale: Numbers
    offset: Numbers


def refusal(layer: Any) -> str | None:
    """Returns why a layer is not known to be linear before its activation; None if it is.

    Args:
        layer: a layer, or another operation.
    """
    if type(layer) not in _KINDS:  # a subclass may compute something else
        return f"is {type(layer).__name__}, no linear layer"
    if layer.quantization_mode is not None or getattr(layer, "lora_enabled", False):
        return "keeps its kernel in another form"
    return None


def output_refusal(layer: Any) -> str | None:
    """Returns why what happens to the outputs of a layer cannot be part of it; None if it can."""
    if (why := refusal(layer)) is not None:
        return why
    if layer.activation is not keras.activations.linear:
        return "has an activation"
    if isinstance(layer, keras.layers.EinsumDense) and not _einsum_folds(layer):
        return "has no weight or no bias for each of its last outputs"
    return None


def input_refusal(layer: Any) -> str | None:
    """Returns why what happens to the inputs of a layer cannot be part of it; None if it can."""
    if (why := refusal(layer)) is not None:
        return why
    if isinstance(layer, (keras.layers.EinsumDense, *_TRANSPOSED)):
        return f"is {type(layer).__name__}, which does not add up the same weights in each output"
    pads = isinstance(layer, _CONVOLUTIONS) and layer.padding != "valid" and math.prod(layer.kernel_size) > 1
    return "pads with zeros, which would have to be other numbers" if pads else None


def channel_axis(layer: keras.layers.Layer, rank: int) -> int:
    """Returns the axis of inputs and outputs whose indices are channels.

    Args:
        layer: linear.
        rank: number of axes of both.
    """
    return 1 if getattr(layer, "data_format", None) == "channels_first" else rank - 1


def has_grid(layer: keras.layers.Layer) -> bool:
    """Returns whether scales for each input would undo a grid of few codes for each output.

    Args:
        layer: linear.
    """
    if isinstance(layer, (*_DEPTHWISE, *_SEPARABLE)):
        return False  # their inputs have kernels of their own
    kernel = weight_paths.of(layer)["kernel"]
    return math.prod(kernel.shape[:-1]) > 1 and channel_grid(np.asarray(_numbers(kernel), np.float32)) is not None


def rescaled(layer: keras.layers.Layer, inputs: Affine | None, outputs: Affine | None) -> keras.layers.Layer:
    """Returns a layer with a bias that gives outputs.scale * layer(inputs.scale * x + inputs.offset) + outputs.offset.

    Computed in float64 and rounded once; a kernel on a grid of up to 8 bits for each channel stays on one.

    Args:
        layer: linear, built; no `input_refusal` or `output_refusal` where something is given.
        inputs: what happens to the inputs before.
        outputs: what happens to the outputs after, which the activation comes after.
    """
    weights = weight_paths.of(layer)
    factors: dict[str, Numbers] = {}
    bias = _numbers(layer.bias) if layer.bias is not None else np.zeros(1)
    if inputs is not None:
        path = "depthwise_kernel" if isinstance(layer, _SEPARABLE) else "kernel"
        factors[path] = _by_input(layer, weights[path].shape, inputs.scale)
        bias = bias + _of_constant(layer, inputs.offset)
    if outputs is not None:
        path = "pointwise_kernel" if isinstance(layer, _SEPARABLE) else "kernel"
        factors[path] = factors.get(path, 1.0) * _by_output(layer, weights[path].shape, outputs.scale)
        bias = bias * outputs.scale + outputs.offset
    plain = _with_bias(layer)
    for path, variable in weight_paths.of(plain).items():
        if path != "bias":
            variable.assign(_scaled(weights[path], factors.get(path)))
    plain.bias.assign(bias)
    return plain


def _scaled(variable: keras.Variable, factor: Numbers | None) -> Numbers:
    """Returns a kernel times a factor; codes times a scale times the factor where it is made of these.

    A negative factor gives zeros a minus, which means nothing and would be worth bits in a file: 0.0 takes it away.
    """
    kernel = _numbers(variable)
    if factor is None:
        return kernel
    channels = [axis for axis, length in enumerate(factor.shape) if length > 1]
    grid = channel_grid(kernel.astype(np.float32), channels) if variable.dtype == "float32" else None
    if grid is None:
        return kernel * factor + 0.0
    codes, scales = grid
    return codes.astype(np.float32) * (scales * factor).astype(np.float32) + np.float32(0.0)


def _with_bias(layer: keras.layers.Layer) -> keras.layers.Layer:
    config = layer.get_config()
    if not isinstance(layer, keras.layers.EinsumDense):
        config["use_bias"] = True
    elif layer.bias_axes is None:
        config["bias_axes"] = layer.equation[-1]
    plain = type(layer).from_config(weight_paths.unbuilt(config))
    build_from_shapes(plain, layer.get_build_config())
    return plain


def _by_output(layer: keras.layers.Layer, shape: tuple[int, ...], scale: Numbers) -> Numbers:
    """Returns what a kernel is multiplied with, so that outputs are multiplied with a scale for each channel."""
    if isinstance(layer, _DEPTHWISE):
        return scale.reshape(*[1] * (len(shape) - 2), *shape[-2:])
    axis = len(shape) - 2 if isinstance(layer, _TRANSPOSED) else len(shape) - 1
    if isinstance(layer, keras.layers.EinsumDense):
        axis = _einsum_kernel(layer).index(layer.equation[-1])
    return scale.reshape([-1 if place == axis else 1 for place in range(len(shape))])


def _by_input(layer: keras.layers.Layer, shape: tuple[int, ...], scale: Numbers) -> Numbers:
    """Returns what a kernel is multiplied with, so that inputs are multiplied with a scale for each channel."""
    spatial = [1] * (len(shape) - 2)
    groups = getattr(layer, "groups", 1)
    if isinstance(layer, (*_DEPTHWISE, *_SEPARABLE)) or groups == 1:
        return scale.reshape(*spatial, -1, 1)
    by_group = scale.reshape(groups, -1).T  # (channels of a group, groups)
    return np.repeat(by_group, shape[-1] // groups, axis=1).reshape(*spatial, shape[-2], shape[-1])


def _of_constant(layer: keras.layers.Layer, x: Numbers) -> Numbers:
    """Returns the outputs, without bias, for inputs that are everywhere the same."""
    weights = {path: _numbers(variable) for path, variable in weight_paths.of(layer).items()}
    if isinstance(layer, _SEPARABLE):
        seen = _summed(weights["depthwise_kernel"]) * x[:, np.newaxis]
        return seen.reshape(-1) @ _summed(weights["pointwise_kernel"])
    kernel = _summed(weights["kernel"])
    if isinstance(layer, _DEPTHWISE):
        return (kernel * x[:, np.newaxis]).reshape(-1)
    groups = getattr(layer, "groups", 1)
    by_group = kernel.reshape(kernel.shape[0], groups, -1)
    return np.einsum("gi,igo->go", x.reshape(groups, -1), by_group).reshape(-1)


def _summed(kernel: Numbers) -> Numbers:
    """Returns a kernel summed over its spatial axes."""
    return kernel.sum(axis=tuple(range(kernel.ndim - 2)))


def _einsum_kernel(layer: keras.layers.EinsumDense) -> str:
    return str(layer.equation.replace(" ", "").split("->")[0].split(",")[1])


def _einsum_folds(layer: keras.layers.EinsumDense) -> bool:
    last = layer.equation[-1]
    return last.isalpha() and last in _einsum_kernel(layer) and (layer.bias_axes is None or last in layer.bias_axes)


def _numbers(variable: keras.Variable) -> Numbers:
    return np.asarray(ops.convert_to_numpy(variable)).astype(np.float64)
