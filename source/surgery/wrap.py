"""A layer wrapped, or wrapped further: the copy that stands in its place in a model that is being rewritten."""

from collections.abc import Mapping, Sequence

import keras

from source.layer.compressed import Chain, Compressed
from source.surgery.rewrite import clone


def wrapped(
    layer: keras.layers.Layer,
    weights: Mapping[str, Chain] | None = None,
    inputs: Sequence[Chain] = (),
    before_activation: Chain = (),
    outputs: Chain = (),
) -> Compressed:
    """Returns a wrapper around a copy of a layer; around a copy of what is inside where it is wrapped already.

    The chains of a wrapped layer come first, with their states; those given continue them.

    Args:
        layer: a built layer.
        weights: path of a weight below the layer to a chain.
        inputs: chains of the input tensors.
        before_activation: chain of the output before the activation.
        outputs: chain of the output.
    """
    if isinstance(layer, Compressed):
        return layer.around(clone(layer.layer), weights, inputs, before_activation, outputs)
    return Compressed(clone(layer), weights, inputs, before_activation, outputs)


def inside(layer: keras.layers.Layer) -> keras.layers.Layer:
    """Returns the layer inside a wrapper, or the layer itself."""
    return layer.layer if isinstance(layer, Compressed) else layer
