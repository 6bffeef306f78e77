"""A finished model with its weights behind constant roundings, from which a converter reads integers and scales."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from source.config.errors import ConfigError
from source.exporter._litert_grid import Grid, grid_of, limits_of
from source.exporter._litert_rounding import Rounding, is_rounding, limits_in, rounding_of
from source.graph.wiring import Wiring, as_functional
from source.layer import weight_paths
from source.surgery.rewrite import clone, graphs_of, layers_of, refuse_other_models, rewrite

_CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.SeparableConv2D)
_POOLS = (keras.layers.AveragePooling1D, keras.layers.AveragePooling2D)
# Rounding their inputs to the steps of the output changes nothing, and integers in and out must have the same steps.
_CHOOSING = (keras.layers.Concatenate, keras.layers.Maximum, keras.layers.Minimum, keras.layers.UpSampling2D)
# What gives back numbers that it was given, so that the rounding before it holds behind it.
_PASSING = (
    keras.layers.Flatten, keras.layers.Reshape, keras.layers.Dropout, keras.layers.SpatialDropout2D,
    keras.layers.MaxPooling1D, keras.layers.MaxPooling2D, keras.layers.ZeroPadding1D, keras.layers.ZeroPadding2D,
    keras.layers.Cropping1D, keras.layers.Cropping2D, keras.layers.Permute, keras.layers.Identity,
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class IntegerModel:
    """A model ready for conversion.

    Attributes:
        model: with constant roundings.
        rounded_again: names of layers whose weights lie on no grid of 8 bits, or on one that cannot be told to the
            converter, which may round them as it likes.
    """

    model: keras.Model
    rounded_again: tuple[str, ...]


def is_quantized(model: keras.Model) -> bool:
    """Returns whether activations of a model are rounded to 8 bits, and some weight lies on a grid of 8 bits.

    Args:
        model: functional or sequential, built, without wrappers.
    """
    return rounds_activations(model) and any(
        grid_of(np.asarray(ops.convert_to_numpy(variable))) is not None
        for layer in layers_of(model)
        for path, variable in weight_paths.of(layer).items()
        if weight_paths.is_kernel(path, variable)
    )


def rounds_activations(model: keras.Model) -> bool:
    """Returns whether activations of a model are rounded to integers of 8 bits or fewer.

    Args:
        model: built, without wrappers.
    """
    if not is_graph(model):
        return False
    return any(is_rounding(each) for graph in graphs_of(model) for each in Wiring(graph).operations.values())


def rounds_to_8_bits(model: keras.Model) -> bool:
    """Returns whether every rounding of activations is one to 8 bits.

    Args:
        model: functional or sequential, built, without wrappers.
    """
    found = [rounding_of(each) for graph in graphs_of(model) for each in Wiring(graph).operations.values()]
    return all(each is None or each.most is None for each in found)


def integer_model(model: keras.Model) -> IntegerModel:
    """Returns a copy of a model that computes the same, written as a converter needs it.

    Kernels of convolutions are multiplied out of their integers by a rounding whose limits are 127 times the scale.
    The converter takes a dense kernel as it stands if each of its channels reaches code 127; otherwise the layer
    becomes a convolution of one pixel. Where integers keep the scale of the input, that of the output is made the same:
    averages are first rounded to the steps of the input, and what is concatenated to the steps of the output.

    Args:
        model: functional or sequential, built, without wrappers.
    """
    again: list[str] = []
    after, before = _roundings(model)

    def replacement(operation: Any) -> Callable[..., Any] | None:
        rounding = rounding_of(operation)
        if rounding is not None:
            return rounding.emit
        if is_flat(operation):
            return _flattened(operation)
        if id(operation) in after:
            return _then(clone(operation), after[id(operation)])
        if id(operation) in before:
            return _rounded_first(clone(operation), before[id(operation)])
        return _exact(operation, again) if isinstance(operation, keras.layers.Layer) else None

    return IntegerModel(rewrite(model, replacement, operations=True), tuple(again))


def with_known_lengths(model: keras.Model) -> keras.Model:
    """Returns a model whose `Flatten` layers say their lengths; the model itself if there are none.

    Keras computes the lengths from those of the batch at hand: four operations, and memory laid out anew in every run.

    Args:
        model: built, without wrappers.
    """
    if not is_graph(model) or not any(is_flat(layer) for layer in layers_of(model)):
        return model
    return rewrite(model, lambda layer: _flattened(layer) if is_flat(layer) else None)


def is_flat(operation: Any) -> bool:
    """Returns whether an operation flattens tensors of known lengths.

    Args:
        operation: of a model.
    """
    channels_last = getattr(operation, "data_format", None) == "channels_last"
    return isinstance(operation, keras.layers.Flatten) and channels_last and _is_static(operation)


def is_graph(model: keras.Model) -> bool:
    """Returns whether a model is functional or sequential, so that its layers can be told apart.

    Args:
        model: built.
    """
    try:
        refuse_other_models(model)
    except ConfigError:
        return False
    return True


def without_rounding(model: keras.Model) -> keras.Model:
    """Returns a copy of a model that rounds no activations.

    Args:
        model: functional or sequential, built, without wrappers.
    """

    def replacement(operation: Any) -> Callable[..., Any] | None:
        return (lambda x, *_: x) if is_rounding(operation) else None

    return rewrite(model, replacement, operations=True)


class _OnGrid(keras.layers.Layer):
    """Calls a layer with kernels that are computed from their integers by a constant rounding."""

    def __init__(self, layer: keras.layers.Layer, grids: dict[str, Grid]) -> None:
        super().__init__(name=layer.name)
        self.layer = layer
        self._kernels = {path: (grid.numbers, limits_of(grid.scales)) for path, grid in grids.items()}

    def call(self, x: Any) -> Any:
        variables = weight_paths.of(self.layer)
        seen = []
        for path, (numbers, limits) in self._kernels.items():
            kernel = tf.reshape(_constant_rounding(numbers, limits), variables[path].shape)
            seen.append((variables[path], kernel))
        with keras.StatelessScope(state_mapping=seen):
            return self.layer(x)

    def compute_output_spec(self, x: Any) -> Any:
        return self.layer.compute_output_spec(x)


class _Pointwise(keras.layers.Layer):
    """A dense layer, or a convolution along one axis, as a convolution in the plane: (b, ..., d) to (b, ..., units)."""

    def __init__(self, layer: keras.layers.Layer, grid: Grid) -> None:
        super().__init__(name=layer.name)
        self.layer = layer
        self._grid = grid
        self._bias = np.asarray(ops.convert_to_numpy(layer.bias)) if layer.use_bias else None

    def call(self, x: Any) -> Any:
        lengths, depth = [int(length) for length in x.shape[1:-1]], int(x.shape[-1])
        dense = isinstance(self.layer, keras.layers.Dense)
        numbers = self._grid.numbers.reshape(1, -1, depth, len(self._grid.scales))
        kernel = _constant_rounding(numbers, limits_of(self._grid.scales))
        strides = 1 if dense else (1, self.layer.strides[0])
        dilations = 1 if dense else (1, self.layer.dilation_rate[0])
        padding = "VALID" if dense else self.layer.padding.upper()
        plane = tf.reshape(x, (-1, math.prod(lengths), 1, depth) if dense else (-1, 1, *lengths, depth))
        y = tf.nn.conv2d(plane, kernel, strides, padding, dilations=dilations)
        if self._bias is not None:
            y = tf.nn.bias_add(y, tf.constant(self._bias))
        places = lengths if dense else [int(y.shape[2])]
        return self.layer.activation(tf.reshape(y, (-1, *places, len(self._grid.scales))))

    def compute_output_spec(self, x: Any) -> Any:
        return self.layer.compute_output_spec(x)


def _exact(layer: keras.layers.Layer, again: list[str]) -> keras.layers.Layer | None:
    """Returns a layer that shows its integers; None if it is taken as it is, noting where that may change numbers."""
    grids = {
        path: _grid_by_channel(np.asarray(ops.convert_to_numpy(variable)), layer, path)
        for path, variable in weight_paths.of(layer).items()
        if weight_paths.is_kernel(path, variable)
    }
    if not grids:
        return None
    known = {path: grid for path, grid in grids.items() if grid is not None}
    channels_last = getattr(layer, "data_format", "channels_last") == "channels_last"
    if len(known) == len(grids) and channels_last:
        [first, *_] = known.values()
        if isinstance(layer, _CONVOLUTIONS):
            return _OnGrid(clone(layer), known)
        if isinstance(layer, keras.layers.Conv1D) and layer.padding in ("same", "valid") and layer.groups == 1:
            return _Pointwise(clone(layer), first) if _is_static(layer) else None
        # The product of a tensor of more axes and its bias are told apart by a reshape, and stay in float.
        is_plain = first.is_full and len(layer.input.shape) == 2
        if isinstance(layer, keras.layers.Dense) and not is_plain and _is_static(layer):
            return _Pointwise(clone(layer), first)
        if all(grid.is_full for grid in known.values()):
            return None
    again.append(layer.name)
    return None


def _grid_by_channel(kernel: np.ndarray, layer: keras.layers.Layer, path: str) -> Grid | None:
    """Returns the integers of a kernel with the channels on the last axis, as LiteRT counts them."""
    if weight_paths.is_depthwise(layer, path):
        return grid_of(kernel.reshape(*kernel.shape[:-2], -1))
    return grid_of(np.moveaxis(kernel, weight_paths.channel_axis(layer, path), -1))


def _is_static(layer: keras.layers.Layer) -> bool:
    return all(length is not None for length in layer.input.shape[1:])


def _constant_rounding(numbers: np.ndarray, limits: np.ndarray) -> Any:
    return tf.quantization.fake_quant_with_min_max_vars_per_channel(
        tf.constant(numbers), tf.constant(-limits), tf.constant(limits), num_bits=8, narrow_range=True
    )


def _flattened(layer: keras.layers.Layer) -> Callable[..., Any]:
    length = math.prod(layer.input.shape[1:])
    return lambda x: ops.reshape(x, (-1, length))


def _then(first: Callable[..., Any], rounding: Rounding) -> Callable[..., Any]:
    return lambda x: rounding.steps(first(x))


def _rounded_first(operation: Callable[..., Any], rounding: Rounding) -> Callable[..., Any]:
    return lambda inputs: operation(keras.tree.map_structure(rounding.steps, inputs))


def _roundings(model: keras.Model) -> tuple[dict[int, Rounding], dict[int, Rounding]]:
    """Returns the ids of average pools with what rounds their inputs, and those of others with what rounds outputs."""
    after, before = {}, {}
    for graph in graphs_of(model):
        wiring, limits = Wiring(graph), limits_in(as_functional(graph).get_config())
        for name, operation in wiring.operations.items():
            if isinstance(operation, _POOLS) and (found := _rounding_before(wiring, limits, name)) is not None:
                after[id(operation)] = found
            follower = wiring.only_consumer(name) if isinstance(operation, _CHOOSING) else None
            found = None if follower is None else limits.get(follower.name) or rounding_of(follower)
            if found is not None and getattr(operation, "interpolation", "nearest") == "nearest":
                before[id(operation)] = found
    return after, before


def _rounding_before(wiring: Wiring, limits: Mapping[str, Rounding], name: str) -> Rounding | None:
    while len(producers := wiring.producers(name)) == 1:
        [producer] = producers
        rounding = limits.get(producer.name) or rounding_of(producer)
        if rounding is not None or not isinstance(producer, _PASSING):
            return rounding
        name = producer.name
    return None
