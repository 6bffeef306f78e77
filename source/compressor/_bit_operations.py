"""How many bit operations each layer of a model takes: multiplications times the bits of both factors."""

import inspect
from collections.abc import Callable
from typing import Any

import keras

from source.compressor._quantization_points import QuantizationPoints
from source.graph.multiplications import BETWEEN_ACTIVATIONS, Counts, multiplications
from source.graph.wiring import Wiring
from source.surgery.rewrite import clone, graphs_of, rewrite
from source.surgery.wrap import inside


def counts_of(model: keras.Model, layers: dict[str, keras.layers.Layer]) -> dict[str, Counts]:
    """Returns the multiplications of layers, over all their calls in one call of the model.

    A layer in a nested model is counted for one call of that.

    Args:
        model: functional or sequential, built.
        layers: some of its layers by name, perhaps wrapped.

    Raises:
        ConfigError: for a layer that cannot be counted.
    """
    names = {id(layer): name for name, layer in layers.items()}
    found: dict[str, Counts] = {name: {} for name in layers}

    def counted(layer: keras.layers.Layer) -> Callable[..., Any] | None:
        return None if id(layer) not in names else _counting(layer, found[names[id(layer)]])

    rewrite(model, counted)
    return found


def input_bits(
    model: keras.Model, points: QuantizationPoints, bits: Callable[[Any], int], first: Callable[[Any], int]
) -> dict[int, int]:
    """Returns the bits of the numbers that enter each operation; of several inputs, those of the widest.

    Args:
        model: functional or sequential, built.
        points: of the model.
        bits: returns those of what leaves an operation; of None, where nothing is known of it.
        first: returns those of what enters an operation from an input of the model.
    """
    found: dict[int, int] = {}
    for graph in graphs_of(model):
        wiring = Wiring(graph)
        before = {id(points.folded[id(each)]): each for each in wiring.operations.values() if id(each) in points.folded}

        def leaving(operation: Any) -> int:
            if isinstance(operation, (keras.layers.InputLayer, keras.Model)):
                return bits(None)
            if id(operation) in points.outputs:
                return bits(before.get(id(operation), operation))  # noqa: B023 (called within the loop)
            return max(map(leaving, wiring.producers(operation.name)), default=bits(None))  # noqa: B023

        for name, operation in wiring.operations.items():
            if id(operation) in points.inputs:
                found[id(operation)] = first(operation)
            else:
                found[id(operation)] = max(map(leaving, wiring.producers(name)), default=bits(None))
    return found


def bit_operations(counts: Counts, weight_bits: dict[str, float], activation_bits: int) -> int:
    """Returns the sum of multiplications times bits of weights times bits of activations.

    Args:
        counts: of one layer.
        weight_bits: by path of the weight; 32 for those left out.
        activation_bits: of what enters the layer.
    """
    return round(
        sum(
            count * activation_bits * (activation_bits if path == BETWEEN_ACTIVATIONS else weight_bits.get(path, 32))
            for path, count in counts.items()
        )
    )


def _counting(layer: keras.layers.Layer, found: Counts) -> Callable[..., Any]:
    """Returns a copy of a layer that adds up its multiplications when it is called."""
    bare, copied = inside(layer), clone(layer)

    def call(*args: Any, **kwargs: Any) -> Any:
        arguments = inspect.signature(bare.call).bind(*args, **kwargs).arguments.values()
        tensors = [x for x in keras.tree.flatten(list(arguments)) if isinstance(x, keras.KerasTensor)]
        for path, count in multiplications(bare, *(tuple(x.shape) for x in tensors)).items():
            found[path] = found.get(path, 0) + count
        return copied(*args, **kwargs)

    return call
