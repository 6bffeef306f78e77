"""A layer and the batch normalization after it, wrapped as one."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras

from source.compressor._quantization_points import QuantizationPoints
from source.layer import weight_paths
from source.layer.batch_normalized import BatchNormalized
from source.layer.compressed import Chain, Compressed
from source.layer.transformation import copies_of
from source.surgery.rewrite import clone, rewrite
from source.surgery.wrap import inside


def folded(
    layer: keras.layers.Layer,
    normalization: keras.layers.BatchNormalization,
    weights: Mapping[str, Chain],
    inputs: Sequence[Chain],
    outputs: Chain,
) -> Compressed:
    """Returns a wrapper around copies of a layer and the batch normalization after it.

    Args:
        layer: linear, perhaps wrapped; its chains come first, with their states.
        normalization: what alone uses its output.
        weights: path of a weight below the layer to its chain.
        inputs: chains of the input tensors.
        outputs: chain of the normalized output.
    """
    both = _together(layer, normalization)
    paths = _paths_in(both)
    with keras.name_scope(layer.name):  # for the paths of the copied variables; the wrapper names new ones itself
        before = layer.weight_chains if isinstance(layer, Compressed) else {}
        every = [*before, *(path for path in weights if path not in before)]
        chains = {paths[path]: [*copies_of(before.get(path, ())), *weights.get(path, ())] for path in every}
        earlier = [copies_of(chain) for chain in layer.input_chains] if isinstance(layer, Compressed) else []
    return Compressed(both, weights=chains, inputs=earlier or inputs, outputs=outputs, name=layer.name)


def _paths_in(both: BatchNormalized) -> dict[str, str]:
    """Returns path of a weight below the linear layer to its path below both."""
    ids = {id(variable): path for path, variable in weight_paths.of(both).items()}
    return {path: ids[id(variable)] for path, variable in weight_paths.of(both.linear).items()}


def folded_away(model: keras.Model, points: QuantizationPoints) -> keras.Model:
    """Returns a copy of a model whose layers have taken in the batch normalization after them, as plain layers.

    Args:
        model: functional or sequential, built.
        points: of this model, which say what is folded into what.
    """

    def replacement(operation: Any) -> Callable[..., Any] | None:
        if id(operation) in points.absorbed:
            return pass_on
        follower = points.folded.get(id(operation))
        return None if follower is None else _with_normalization(operation, follower)

    return rewrite(model, replacement)


def pass_on(x: Any, **_: Any) -> Any:
    """Returns x: what stands in the place of a batch normalization that is folded."""
    return x


def _with_normalization(
    layer: keras.layers.Layer, normalization: keras.layers.BatchNormalization
) -> keras.layers.Layer:
    """Returns one plain layer that computes two, in a wrapper with the chains and states of the first if it has one."""
    both = _together(layer, normalization)
    [kernel] = [path for path in weight_paths.of(both) if both.channel_scale(path) is not None]
    plain = both.folded(keras.ops.convert_to_tensor(weight_paths.of(both)[kernel]) * both.channel_scale(kernel))
    return layer.around(plain) if isinstance(layer, Compressed) else plain


def _together(layer: keras.layers.Layer, normalization: keras.layers.BatchNormalization) -> BatchNormalized:
    both = BatchNormalized(clone(inside(layer)), clone(normalization))
    both.build_from_config(both.get_build_config())
    return both
