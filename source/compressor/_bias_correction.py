"""Takes out of biases what rounding has added to the outputs of layers on average.

Nagel et al.: Data-free quantization through weight equalization and bias correction, 2019,
https://arxiv.org/abs/1906.04721, section 4.2 and appendix D.
"""

from typing import Any

import keras
import numpy as np

from source.compressor import _calibration
from source.compressor._layer_names import named_layers
from source.layer import weight_paths
from source.layer.compressed import Compressed
from source.layer.transformation import Transformation
from source.surgery.rewrite import rewrite
from source.surgery.wrap import inside, wrapped

_KINDS = (
    *(keras.layers.Dense, keras.layers.EinsumDense, keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D),
    *(keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D, keras.layers.SeparableConv1D),
    *(keras.layers.SeparableConv2D, keras.layers.Conv1DTranspose, keras.layers.Conv2DTranspose),
    keras.layers.Conv3DTranspose,
)


def correct_biases(prepared: keras.Model, reference: keras.Model, calibration: Any, owner: str) -> tuple[str, ...]:
    """Subtracts from each bias what the output of its layer errs by on average, and returns the names of the layers.

    The error is E[y~] - E[y] over all examples and positions, of each channel, before the activation: y in the model
    that does not round, y~ in the one that does, with the layers before corrected already. Each layer costs a pass of
    the inputs through what comes before it.

    Args:
        prepared: rounds; biases of the layers whose weights are rounded by `owner` are changed.
        reference: has the same layers, and does not round.
        calibration: inputs, as `calibrate` takes them.
        owner: name of a compressor.
    """
    corrected = {name: layer for name, layer in named_layers(prepared).items() if _is_corrected(layer, owner)}
    known = named_layers(reference)
    expected, watched = _watching(reference, {known[name] for name in corrected})
    _collect(expected, calibration, list(watched.values()))
    means = {name: mean.value() for name, mean in watched.items()}
    measured, watched = _watching(prepared, set(corrected.values()))
    layers = named_layers(measured)
    for name, layer in corrected.items():
        _collect(_up_to(measured, layers[name]), calibration, [watched[name]])
        bias = np.asarray(keras.ops.convert_to_numpy(layer.layer.bias), np.float64)
        better = (bias - (watched[name].value() - means[name])).astype(np.float32)
        for each in (layer, layers[name]):
            each.layer.bias.assign(better)
    return tuple(layer.name for layer in corrected.values())


class _Mean(Transformation):
    """x itself; adds up what it is shown, in the shape of a bias."""

    def __init__(self, shape: tuple[int, ...], channels_first: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._shape = shape
        self._channels_first = channels_first
        self._sum = np.zeros(shape)
        self._rows = 0.0

    def transform(self, x: Any, training: bool) -> Any:
        return x

    def collect(self, x: np.ndarray) -> None:
        x = np.moveaxis(x, 1, -1) if self._channels_first else x
        leading = x.ndim - len(self._shape)
        alone = [leading + axis for axis, length in enumerate(self._shape) if length == 1]
        total = x.sum(axis=tuple(range(leading)), keepdims=True, dtype=np.float64).sum(axis=tuple(alone), keepdims=True)
        self._sum += total.reshape(self._shape)
        self._rows += x.size / self._sum.size

    def value(self) -> np.ndarray:
        return self._sum / self._rows


def _watching(model: keras.Model, layers: set[keras.layers.Layer]) -> tuple[keras.Model, dict[str, _Mean]]:
    """Returns a copy of a model that watches the outputs of some layers before their activations."""
    names = {id(layer): name for name, layer in named_layers(model).items() if layer in layers}
    watched: dict[str, _Mean] = {}

    def replacement(layer: keras.layers.Layer) -> keras.layers.Layer | None:
        if id(layer) not in names:
            return None
        bare = inside(layer)
        mean = _Mean(tuple(bare.bias.shape), getattr(bare, "data_format", None) == "channels_first")
        watched[names[id(layer)]] = mean
        return wrapped(layer, before_activation=[mean])

    return rewrite(model, replacement), watched


def _collect(model: keras.Model, calibration: Any, means: list[_Mean]) -> None:
    _calibration.calibrate(model, calibration, means)


def _up_to(model: keras.Model, layer: keras.layers.Layer) -> keras.Model:
    """Returns the part of a model that a layer needs; all of it where the layer is shared or in a nested model."""
    try:
        return keras.Model(model.input, layer.output) if layer in model.layers else model
    except (AttributeError, ValueError):  # several outputs, for it is called more than once
        return model


def _is_corrected(layer: keras.layers.Layer, owner: str) -> bool:
    if not isinstance(layer, Compressed) or not isinstance(layer.layer, _KINDS) or layer.layer.bias is None:
        return False
    kernels = [
        path for path, variable in weight_paths.of(layer.layer).items() if weight_paths.is_kernel(path, variable)
    ]
    return any(each.owner == owner for path in kernels for each in layer.weight_chains.get(path, ()))
