"""Predictors and gates put behind convolutions while a model is copied."""

from collections.abc import Callable, Iterator
from typing import Any, Literal

import keras
import numpy as np
from keras import ops

from source.graph.wiring import Wiring
from source.layer.channel_gate import ChannelGate
from source.surgery.rewrite import clone, graphs_of
from source.surgery.wrap import inside

Pool = Literal["l1", "l2", "average", "max"]
Pair = tuple[keras.layers.Layer, keras.layers.BatchNormalization]

_CONVOLUTIONS = (keras.layers.Conv1D, keras.layers.Conv2D)
_LEAST_SALIENCY = 1e-6  # at 0, ReLU has no gradient, and a channel whose scale begins at 0 would stay there
_SEEN: dict[str, Callable[[Any], Any]] = {"l1": ops.abs, "l2": ops.square}


class Gating:
    """What stands in the places of convolutions and of the normalizations after them."""

    def __init__(self, pairs: list[Pair], densities: list[float], strength: float, pool: Pool) -> None:
        """Takes up what is gated.

        Args:
            pairs: convolutions and the normalizations after them.
            densities: of each, the share of channels that is let through in the end.
            strength: of the loss of the saliencies.
            pool: what predictors see.
        """
        self._densities = {id(conv): density for (conv, _), density in zip(pairs, densities, strict=True)}
        self._by_norm = {id(norm): conv for conv, norm in pairs}
        self._strength = strength
        self._pool = pool
        self._inputs: dict[int, keras.KerasTensor] = {}

    def replacement(self, layer: keras.layers.Layer) -> Callable[..., Any] | None:
        """Returns a copy of a convolution that notes its input, or a gated normalization; None for others.

        Args:
            layer: of the model that is copied.
        """
        if id(layer) in self._densities:
            return self._noting(layer)
        return self._gated(self._by_norm[id(layer)], layer) if id(layer) in self._by_norm else None

    def _noting(self, conv: keras.layers.Layer) -> Callable[..., Any]:
        copied = clone(conv)

        def call(x: keras.KerasTensor, **kwargs: Any) -> Any:
            self._inputs[id(conv)] = x
            return copied(x, **kwargs)

        return call

    def _gated(
        self, conv: keras.layers.Layer, norm: keras.layers.BatchNormalization
    ) -> Callable[..., keras.KerasTensor]:
        unit, predictor = _without_scale(norm), _predictor(inside(conv), norm)
        gate = _gate(inside(conv), norm, self._densities[id(conv)], self._strength)

        def call(x: keras.KerasTensor, **kwargs: Any) -> keras.KerasTensor:
            seen = _pooled(self._inputs[id(conv)], inside(conv), self._pool)
            return gate(unit(x, **kwargs), predictor(seen))

        return call


def gate_name(conv: str) -> str:
    """Returns the name of the gate of a convolution.

    Args:
        conv: name of the convolution.
    """
    return f"{conv}_gate"


def predictor_name(conv: str) -> str:
    """Returns the name of the predictor of a convolution.

    Args:
        conv: name of the convolution.
    """
    return f"{conv}_saliency"


def pairs_of(model: keras.Model) -> Iterator[Pair]:
    """Yields each convolution that a normalization alone follows, with the normalization.

    Args:
        model: functional or sequential, built.
    """
    for graph in graphs_of(model):
        wiring = Wiring(graph)
        for name, operation in wiring.operations.items():
            if not isinstance(operation, keras.layers.Layer) or type(inside(operation)) not in _CONVOLUTIONS:
                continue
            norm = wiring.only_consumer(name)
            if norm is None or type(norm) is not keras.layers.BatchNormalization or wiring.is_shared(norm.name):
                continue
            rank = len(inside(operation).kernel.shape)
            if norm.axis % rank == (rank - 1 if inside(operation).data_format == "channels_last" else 1):
                yield operation, norm


def _predictor(conv: keras.layers.Layer, norm: keras.layers.BatchNormalization) -> keras.layers.Dense:
    """Returns the layer that predicts saliencies, which at first are the scales without their signs."""
    # Its numbers are few, and which are the largest should not hang on how they are rounded.
    settings = {"kernel_initializer": "zeros", "dtype": "float32", "name": predictor_name(conv.name)}
    dense = keras.layers.Dense(conv.filters, "relu", **settings)
    dense.build((None, int(conv.kernel.shape[-2]) * conv.groups))
    dense.bias.assign(np.maximum(np.abs(_scale(norm, conv.filters)), _LEAST_SALIENCY))
    dense.trainable = norm.trainable
    return dense


def _gate(
    conv: keras.layers.Layer, norm: keras.layers.BatchNormalization, density: float, strength: float
) -> ChannelGate:
    """Returns the gate, which has the offsets of the normalization and the signs of its scales."""
    rank = len(conv.kernel.shape)
    gate = ChannelGate(density, strength, norm.axis % rank, name=gate_name(conv.name))
    shape: list[int | None] = [None] * rank
    shape[gate.axis] = conv.filters
    gate.build(tuple(shape), (None, conv.filters))
    gate.sign.assign(np.where(_scale(norm, conv.filters) < 0, -1.0, 1.0))
    if norm.center:
        gate.beta.assign(norm.beta)
    gate.trainable = norm.trainable
    return gate


def _pooled(x: keras.KerasTensor, conv: keras.layers.Layer, pool: Pool) -> keras.KerasTensor:
    """Returns what the predictor sees of the input of a convolution, (b, c)."""
    last = conv.data_format == "channels_last"
    axes = tuple(range(1, len(x.shape) - 1)) if last else tuple(range(2, len(x.shape)))
    # A model of its own: Keras names operations by itself, and other names in the model around may be the same.
    inputs = keras.Input(batch_shape=x.shape, dtype=x.dtype)
    seen = _SEEN.get(pool, _itself)(ops.cast(inputs, "float32"))
    seen = ops.max(seen, axis=axes) if pool == "max" else ops.mean(seen, axis=axes)
    return keras.Model(inputs, seen, name=f"{conv.name}_pool")(x)


def _itself(x: keras.KerasTensor) -> keras.KerasTensor:
    return x


def _scale(norm: keras.layers.BatchNormalization, channels: int) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(norm.gamma)) if norm.scale else np.ones(channels, np.float32)


def _without_scale(norm: keras.layers.BatchNormalization) -> keras.layers.BatchNormalization:
    """Returns a copy without scale and offset, with the same statistics."""
    copied = keras.layers.BatchNormalization.from_config({**norm.get_config(), "scale": False, "center": False})
    copied.build_from_config(norm.get_build_config())
    copied.moving_mean.assign(norm.moving_mean)
    copied.moving_variance.assign(norm.moving_variance)
    return copied
