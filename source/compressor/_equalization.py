"""Brings the channels between two linear layers to like ranges, without changing what the model computes.

Nagel et al.: Data-free quantization through weight equalization and bias correction, 2019,
https://arxiv.org/abs/1906.04721, section 4.1.
"""

import dataclasses
from collections import Counter
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from source.graph.wiring import Wiring
from source.layer.compressed import Compressed
from source.layer.mask import Mask
from source.surgery.rewrite import graphs_of
from source.surgery.wrap import inside

_SWEEPS = 20  # over all pairs; each step solves one pair and disturbs its neighbours
_SETTLED = 0.01  # largest change of the logarithm of a scale in a sweep
_MOST = 2.0**10  # a channel is scaled by no more: one whose kernel is almost zero would get an enormous bias

_DEPTHWISE = (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)
_TRANSPOSED = (keras.layers.Conv1DTranspose, keras.layers.Conv2DTranspose, keras.layers.Conv3DTranspose)
_CONVOLUTIONS = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)
_LINEAR = (keras.layers.Dense, *_CONVOLUTIONS, *_DEPTHWISE, *_TRANSPOSED)
# f(s x) = s f(x) for s > 0 in each channel, so that scales pass through.
_HOMOGENEOUS = (keras.activations.linear, keras.activations.relu, keras.activations.leaky_relu)
_PASSING = {
    *(
        "Identity",
        "Dropout",
        "SpatialDropout1D",
        "SpatialDropout2D",
        "SpatialDropout3D",
        "Flatten",
        "LeakyReLU",
        "PReLU",
    ),
    *("MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "AveragePooling1D", "AveragePooling2D", "AveragePooling3D"),
    *("GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D", "GlobalAveragePooling1D"),
    *("GlobalAveragePooling2D", "GlobalAveragePooling3D", "ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D"),
    *("Cropping1D", "Cropping2D", "Cropping3D", "UpSampling1D", "UpSampling2D", "UpSampling3D", "Relu", "LeakyRelu"),
}


def equalize(model: keras.Model) -> tuple[tuple[str, str], ...]:
    """Scales the channels between pairs of layers, in place, and returns the names of the pairs.

    Channel i of the first layer is divided by s_i = sqrt(r1_i / r2_i), and what the second multiplies it with is
    multiplied by s_i, where r1_i and r2_i are the largest magnitudes of the two kernels in that channel: both become
    sqrt(r1_i r2_i). Channels that either kernel leaves at zero stay. Pairs are worked off in turns until they settle.

    Args:
        model: functional or sequential, built, without batch normalization between the layers; it is changed.
    """
    pairs = list(_pairs(model))
    ends = {id(layer): _End.of(layer) for pair in pairs for layer in pair}
    for _ in range(_SWEEPS):
        changes = [_balance(ends[id(first)], ends[id(second)]) for first, second in pairs]
        if max(changes, default=0.0) < _SETTLED:
            break
    for each in ends.values():
        each.assign()
    return tuple((first.name, second.name) for first, second in pairs)


@dataclasses.dataclass
class _End:
    """A layer of a pair, its weights in float64 while they are scaled, and which entries a mask keeps.

    Attributes:
        layer: the layer itself.
        kernel: its kernel.
        bias: its bias, if it has one.
        kept: 1 where the kernel is seen, 0 where it is masked.
        outputs: by what its output channels have been divided so far.
    """

    layer: keras.layers.Layer
    kernel: np.ndarray
    bias: np.ndarray | None
    kept: np.ndarray
    outputs: np.ndarray

    @classmethod
    def of(cls, layer: keras.layers.Layer) -> "_End":
        bare = inside(layer)
        kernel = keras.ops.convert_to_numpy(bare.kernel).astype(np.float64)
        seen = np.asarray(keras.ops.convert_to_numpy(layer.seen_weight("kernel"))) if _is_masked(layer) else kernel
        bias = keras.ops.convert_to_numpy(bare.bias).astype(np.float64) if bare.use_bias else None
        ends = cls(bare, kernel, bias, ((seen != 0) | (kernel == 0)).astype(np.float64), np.ones(1))
        ends.outputs = np.ones_like(ends.output_ranges())
        return ends

    def output_ranges(self) -> np.ndarray:
        """Returns the largest magnitude of each output channel."""
        size = np.abs(self.kernel) * self.kept
        if isinstance(self.layer, _DEPTHWISE):
            return size.max(axis=tuple(range(size.ndim - 2))).reshape(-1)
        axis = size.ndim - (2 if isinstance(self.layer, _TRANSPOSED) else 1)
        return size.max(axis=tuple(each for each in range(size.ndim) if each != axis))

    def input_ranges(self, channels: int) -> np.ndarray:
        """Returns the largest magnitude that each input channel is multiplied with."""
        size = np.abs(self.kernel) * self.kept
        if isinstance(self.layer, keras.layers.Dense):  # flattened: each channel comes once for each position
            return size.reshape(-1, channels, size.shape[-1]).max(axis=(0, 2))
        axis = size.ndim - (1 if isinstance(self.layer, _TRANSPOSED) else 2)
        return size.max(axis=tuple(each for each in range(size.ndim) if each != axis))

    def divide_outputs(self, scale: np.ndarray) -> None:
        """Divides the output channels."""
        shaped = scale
        if isinstance(self.layer, _DEPTHWISE):
            shaped = scale.reshape(self.kernel.shape[-2:])
        elif isinstance(self.layer, _TRANSPOSED):
            shaped = scale[:, np.newaxis]
        self.kernel = self.kernel / shaped
        self.bias = None if self.bias is None else self.bias / scale
        self.outputs = self.outputs * scale

    def multiply_inputs(self, scale: np.ndarray) -> None:
        """Multiplies what the input channels are multiplied with."""
        if isinstance(self.layer, keras.layers.Dense):
            scale = np.tile(scale, self.kernel.shape[0] // scale.size)
        self.kernel = self.kernel * (scale if isinstance(self.layer, _TRANSPOSED) else scale[:, np.newaxis])

    def assign(self) -> None:
        """Gives the layer its new weights."""
        self.layer.kernel.assign(self.kernel.astype(np.float32))
        if self.bias is not None:
            self.layer.bias.assign(self.bias.astype(np.float32))


def _balance(first: _End, second: _End) -> float:
    """Scales one pair, and returns the largest logarithm of a scale."""
    ours = first.output_ranges()
    theirs = second.input_ranges(ours.size)
    alive = (ours > 0) & (theirs > 0)
    scale = np.sqrt(np.where(alive, ours, 1.0) / np.where(alive, theirs, 1.0))
    scale = np.clip(first.outputs * scale, 1.0 / _MOST, _MOST) / first.outputs
    first.divide_outputs(scale)
    second.multiply_inputs(scale)
    return float(np.abs(np.log(scale)).max())


def _pairs(model: keras.Model) -> Iterator[tuple[keras.layers.Layer, keras.layers.Layer]]:
    graphs = [Wiring(graph) for graph in graphs_of(model)]
    places = Counter(id(operation) for wiring in graphs for operation in wiring.operations.values())
    for wiring in graphs:
        for name, first in wiring.operations.items():
            second = _second(wiring, name) if _can_be_first(first) else None
            if second is not None and places[id(first)] == places[id(second)] == 1:
                yield first, second


def _second(wiring: Wiring, name: str) -> Any | None:
    """Returns the linear layer that alone uses an output, perhaps after what lets scales pass."""
    following = wiring.only_consumer(name)
    while following is not None and not wiring.is_shared(following.name):
        if isinstance(inside(following), _LINEAR):
            return following if _can_be_second(following) else None
        following = wiring.only_consumer(following.name) if _lets_scales_pass(following) else None
    return None


def _can_be_first(operation: Any) -> bool:
    if not isinstance(inside(operation), _LINEAR) or inside(operation).activation not in _HOMOGENEOUS:
        return False
    observed = isinstance(operation, Compressed) and (operation.before_activation or operation.output_chain)
    return _is_channels_last(inside(operation)) and not observed and _has_plain_weights(operation)


def _can_be_second(operation: Any) -> bool:
    observed = isinstance(operation, Compressed) and operation.input_chains
    grouped = isinstance(inside(operation), _CONVOLUTIONS) and inside(operation).groups != 1
    return _is_channels_last(inside(operation)) and not observed and not grouped and _has_plain_weights(operation)


def _has_plain_weights(operation: Any) -> bool:
    """Returns whether weights are seen as they are, but for masks of the kernel that stay where they are."""
    if not isinstance(operation, Compressed):
        return True
    masks = operation.weight_chains.get("kernel", [])
    return set(operation.weight_chains) <= {"kernel"} and all(
        isinstance(each, Mask) and each.refresh == "stored" for each in masks
    )


def _is_masked(layer: keras.layers.Layer) -> bool:
    return isinstance(layer, Compressed) and bool(layer.weight_chains.get("kernel"))


def _lets_scales_pass(operation: Any) -> bool:
    if not _is_channels_last(operation):
        return False
    if isinstance(operation, keras.layers.ReLU):
        return operation.max_value is None and not operation.threshold
    if isinstance(operation, keras.layers.Activation):
        return operation.activation in _HOMOGENEOUS
    return type(operation).__name__ in _PASSING


def _is_channels_last(operation: Any) -> bool:
    return getattr(operation, "data_format", None) in (None, "channels_last")
