"""Layers whose weight is a product of two thin matrices, made two layers with these as their weights."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from source.layer import weight_paths
from source.layer.compressed import Compressed
from source.layer.low_rank import LowRank, matrix, matrix_shape, row_axes
from source.surgery.rewrite import layers_of, refuse_other_models, rewrite

Numbers = np.ndarray[Any, Any]

_CONVOLUTIONS = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)
_TRANSPOSED = tuple(
    getattr(keras.layers, name)
    for name in ("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose")
    if hasattr(keras.layers, name)
)
_SEPARABLE = (keras.layers.SeparableConv1D, keras.layers.SeparableConv2D)
_PATHS: dict[Any, str] = {
    keras.layers.Dense: "kernel",
    keras.layers.Embedding: "embeddings",
    **dict.fromkeys((*_CONVOLUTIONS, *_TRANSPOSED), "kernel"),
    **dict.fromkeys(_SEPARABLE, "pointwise_kernel"),
}
_PLAIN_FIRST = {"use_bias": False, "activation": "linear", "activity_regularizer": None}
_OF_OUTPUT = ("name", "trainable", "dtype", "data_format", "activation", "activity_regularizer")
_OF_BIAS = ("use_bias", "bias_initializer", "bias_regularizer", "bias_constraint")


class Unfactorised(NamedTuple):
    """A layer that stays one layer.

    Attributes:
        name: of the layer.
        reason: why, a few words that follow the name.
    """

    name: str
    reason: str


def factorise(model: keras.Model, tolerance: float = 1e-6) -> keras.Model:
    """Returns a copy of a model in which layers whose weight has a low rank are two layers with fewer weights.

    Outputs in inference stay within the rounding of float32 and `tolerance`.

    Args:
        model: functional or sequential, built, not prepared: `bake` splits what the compressor `low_rank` trained.
        tolerance: singular values below this share of the largest count as zero; 1e-6 is what rounding to float32
            leaves of a product.

    Raises:
        ConfigError: for models and layers that cannot be copied.
    """
    refuse_other_models(model)

    def replacement(layer: keras.layers.Layer) -> Any:
        if refusal(layer) is not None:
            return None
        left, right = _factors(layer, tolerance)
        return None if _no_gain(layer, len(right)) else in_turn(split(layer, left, right))

    return rewrite(model, replacement)


def unfactorisable(model: keras.Model, tolerance: float = 1e-6) -> list[Unfactorised]:
    """Returns the layers with kernels or tables that `factorise` leaves as they are, each with the reason.

    Args:
        model: as for `factorise`.
        tolerance: likewise.
    """
    refuse_other_models(model)
    found = []
    for layer in layers_of(model):
        if not any(weight_paths.is_kernel(path, weight) for path, weight in weight_paths.of(layer).items()):
            continue
        reason = refusal(layer)
        reason = reason or _no_gain(layer, len(_factors(layer, tolerance)[1]))
        if reason is not None:
            found.append(Unfactorised(layer.name, reason))
    return found


def trained_factors(layer: Compressed) -> tuple[str, LowRank] | None:
    """Returns the path of the weight that a wrapped layer sees as a product of factors and nothing else, and these.

    Args:
        layer: built.
    """
    for path, chain in layer.weight_chains.items():
        if len(chain) == 1 and isinstance(chain[0], LowRank):
            return path, chain[0]
    return None


def split_refusal(layer: Compressed) -> str | None:
    """Returns why a wrapped layer with trained factors is to stay one layer; None if it is to become two.

    Args:
        layer: built, with a weight that is seen as a product.
    """
    found = trained_factors(layer)
    if found is None:
        return "sees its weight through more than factors"
    path, factors = found
    if not factors.split:
        return "is not to be split"
    if (why := refusal(layer.layer)) is not None:
        return why
    if path != _PATHS[type(layer.layer)] or factors.rows != _rows(layer.layer):
        return "has factors of other axes"
    return _no_gain(layer.layer, factors.rank)


def refusal(layer: keras.layers.Layer) -> str | None:
    """Returns why a layer cannot be two, whatever its weights; None if it can.

    Args:
        layer: built.
    """
    if type(layer) not in _PATHS:  # a subclass may compute something else
        return f"is {type(layer).__name__}, which is not made of two"
    if layer.quantization_mode is not None or getattr(layer, "lora_enabled", False):
        return "keeps its weight in another form"
    if getattr(layer, "groups", 1) > 1:
        return "has groups"
    if getattr(layer, "output_padding", None) is not None:
        return "has an `output_padding`"
    return None


def split(layer: keras.layers.Layer, left: Numbers, right: Numbers) -> list[keras.layers.Layer]:
    """Returns two layers that compute one after the other what a layer computes whose weight is left · right.

    The first has no bias and no activation, and `_factor` behind its name; the second has the name of the layer.
    A convolution becomes a vertical and a horizontal one (Jaderberg et al., 2014, https://arxiv.org/abs/1405.3866),
    each with its part of strides, dilations and padding.

    Args:
        layer: built, without `refusal`.
        left: (rows, rank) where the rows of the weight are those of `row_axes`.
        right: (rank, columns).
    """
    rank = right.shape[0]
    first, second = _made(layer, rank)
    shape = layer.get_build_config()["input_shape"]
    first.build(shape)
    second.build(first.compute_output_shape(shape))
    kernels = _kernels(layer, left, right)
    for each, kernel in zip((first, second), kernels, strict=True):
        weight_paths.of(each)[_PATHS[type(each)]].assign(kernel)
    if isinstance(layer, _SEPARABLE):
        first.depthwise_kernel.assign(ops.copy(ops.convert_to_tensor(layer.depthwise_kernel)))
    if getattr(layer, "bias", None) is not None:
        second.bias.assign(ops.copy(ops.convert_to_tensor(layer.bias)))
    return [first, second]


def in_turn(layers: Sequence[keras.layers.Layer]) -> Any:
    """Returns a function that calls layers one after the other, the first with all arguments.

    Args:
        layers: at least one.
    """

    def emit(*args: Any, **kwargs: Any) -> Any:
        x = layers[0](*args, **kwargs)
        for layer in layers[1:]:
            x = layer(x)
        return x

    return emit


def _made(layer: keras.layers.Layer, rank: int) -> tuple[keras.layers.Layer, keras.layers.Layer]:
    """Returns both layers, not built."""
    config = layer.get_config()
    named = {"name": f"{layer.name}_factor"}
    kind: Any = type(layer)
    last: Any
    if isinstance(layer, keras.layers.Embedding):
        first = kind.from_config({**config, **named, "output_dim": rank, "embeddings_constraint": None})
        last = keras.layers.Dense(layer.output_dim, use_bias=False, name=layer.name, dtype=layer.dtype_policy)
        last.trainable = layer.trainable
        return first, last
    if isinstance(layer, keras.layers.Dense):
        free = {**config, "kernel_constraint": None}
        return kind.from_config({**free, **named, **_PLAIN_FIRST, "units": rank}), kind.from_config(free)
    if isinstance(layer, _SEPARABLE):
        first = kind.from_config({**config, **named, **_PLAIN_FIRST, "filters": rank, "pointwise_constraint": None})
        kept = {key: config[key] for key in (*_OF_OUTPUT, *_OF_BIAS)}
        last = _CONVOLUTIONS[len(layer.kernel_size) - 1].from_config(
            {**kept, "filters": layer.filters, "kernel_size": 1}
        )
        return first, last
    parts = [_part(layer, config, axes) for axes in _spatial_axes(layer)]
    return kind.from_config({**parts[0], **named, **_PLAIN_FIRST, "filters": rank}), kind.from_config(parts[1])


def _spatial_axes(layer: keras.layers.Layer) -> tuple[list[int], list[int]]:
    """Returns the spatial axes of the first and of the second part of a convolution."""
    axes = range(len(layer.kernel_size))
    rows = [axis for axis in axes if axis in _rows(layer)]
    others = [axis for axis in axes if axis not in rows]
    return (others, rows) if isinstance(layer, _TRANSPOSED) else (rows, others)


def _part(layer: keras.layers.Layer, config: dict[str, Any], axes: Sequence[int]) -> dict[str, Any]:
    """Returns the configuration of a convolution along some of the spatial axes."""
    settings = {key: getattr(layer, key) for key in ("kernel_size", "strides", "dilation_rate")}
    along = {
        key: tuple(number if axis in axes else 1 for axis, number in enumerate(numbers))
        for key, numbers in settings.items()
    }
    return {**config, **along, "kernel_constraint": None}


def _kernels(layer: keras.layers.Layer, left: Numbers, right: Numbers) -> tuple[Numbers, Numbers]:
    """Returns the weights of both layers."""
    if isinstance(layer, (keras.layers.Dense, keras.layers.Embedding)):
        return left, right
    rank, shape = right.shape[0], weight_paths.of(layer)[_PATHS[type(layer)]].shape
    rows, spatial = _rows(layer), range(len(shape) - 2)
    vertical = [shape[axis] if axis in rows else 1 for axis in spatial]
    horizontal = [1 if axis in rows else shape[axis] for axis in spatial]
    # (rank, w, c) becomes (w, rank, c)
    turned = np.moveaxis(right.reshape(rank, *(shape[axis] for axis in spatial if axis not in rows), -1), 0, -2)
    pair = left.reshape(*vertical, -1, rank), turned.reshape(*horizontal, rank, -1)
    return pair[::-1] if isinstance(layer, _TRANSPOSED) else pair


def _rows(layer: keras.layers.Layer) -> tuple[int, ...]:
    path = _PATHS[type(layer)]
    return row_axes(layer, path, len(weight_paths.of(layer)[path].shape))


def _factors(layer: keras.layers.Layer, tolerance: float) -> tuple[Numbers, Numbers]:
    """Returns the factors of a layer's weight, of the least rank that leaves out nothing above the tolerance."""
    weight = weight_paths.of(layer)[_PATHS[type(layer)]]
    numbers = matrix(np.asarray(ops.convert_to_numpy(weight)).astype(np.float64), _rows(layer))
    left, values, right = np.linalg.svd(numbers, full_matrices=False)
    rank = max(1, int((values > tolerance * values[0]).sum()))
    root = np.sqrt(values[:rank])
    return left[:, :rank] * root, root[:, np.newaxis] * right[:rank]


def _no_gain(layer: keras.layers.Layer, rank: int) -> str | None:
    shape = weight_paths.of(layer)[_PATHS[type(layer)]].shape
    numbers = rank * sum(matrix_shape(shape, _rows(layer)))
    if numbers < math.prod(shape):
        return None
    return f"would not be smaller: rank {rank} takes {numbers:,} numbers, and it has {math.prod(shape):,}"
