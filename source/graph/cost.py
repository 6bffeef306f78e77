"""What each layer of a model costs: parameters, multiplications, bit operations, activations, bytes."""

import dataclasses
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from source.graph._calls import Call, Shape, calls_of, inside
from source.graph._products import elements, floating_point_operations, products
from source.graph.multiplications import BETWEEN_ACTIVATIONS
from source.graph.stored_numbers import StoredNumbers, stored_numbers
from source.layer import weight_paths
from source.layer.compressed import Compressed
from source.layer.transformation import Transformation

# Kept by layers beside what is trained.
_STATISTICS = {"moving_mean", "moving_variance", "seed_generator_state", "frozen", "iterations"}
_NOT_STORED = {"seed_generator_state", "frozen"}
_FLOAT_BITS = 32
# Their weights are found in data, not trained; limits and steps of roundings belong to the rounded numbers.
_WITHOUT_PARAMETERS = (keras.layers.Normalization, Transformation)

# From a wrapper and the path of a weight to how that is stored; None where it cannot say.
HowStored = Callable[[Compressed, str], StoredNumbers | None]


@dataclasses.dataclass(frozen=True)
class WeightCost:
    """One weight.

    Attributes:
        path: below its layer, such as `kernel`.
        shape: of the weight.
        kept: numbers that are not zero.
        is_parameter: whether it is trained, not a statistic; frozen ones count as trained.
        is_kernel: whether it is a matrix, kernel or table that compression is about.
        stored: bits of a number, bytes of all, and how.
        macs: products that take part, for one example.
    """

    path: str
    shape: tuple[int, ...]
    kept: int
    is_parameter: bool
    is_kernel: bool
    stored: StoredNumbers
    macs: int

    @property
    def numbers(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


@dataclasses.dataclass(frozen=True)
class LayerCost:
    """One layer or operation, over all its calls for one example.

    Attributes:
        name: after the names of the models that it stands in: `backbone/conv1`.
        kind: its class.
        calls: how often it is called.
        output_shape: of its first output in its first call (b, ...).
        weights: its weights.
        macs: products, each with its addition; None where there is no rule for the kind.
        flops: floating point operations; None as above.
        bit_operations: products times the bits of both factors; None as above.
        activations: numbers that come out.
        activation_bits: bits of a number that comes out.
        activation_bytes: of what comes out.
    """

    name: str
    kind: str
    calls: int
    output_shape: Shape
    weights: tuple[WeightCost, ...]
    macs: int | None
    flops: int | None
    bit_operations: int | None
    activations: int
    activation_bits: float
    activation_bytes: int

    @property
    def parameters(self) -> int:
        """Numbers that are trained."""
        return sum(weight.numbers for weight in self.weights if weight.is_parameter)

    @property
    def size_bytes(self) -> int:
        """Bytes of its weights, statistics too."""
        return sum(weight.stored.bytes for weight in self.weights)


@dataclasses.dataclass(frozen=True)
class Cost:
    """A model, layer by layer, for one example.

    Bytes of weights are those of packed codes, before entropy coding and without the container of a file.

    Attributes:
        name: of the model.
        layers: in the order of their first calls.
        input_shapes: (b, ...) one an input.
        output_shapes: (b, ...) one an output.
    """

    name: str
    layers: tuple[LayerCost, ...]
    input_shapes: tuple[Shape, ...]
    output_shapes: tuple[Shape, ...]

    @property
    def unknown(self) -> tuple[str, ...]:
        """Names of the layers whose products no rule counts; sums leave them out."""
        return tuple(layer.name for layer in self.layers if layer.macs is None)

    def total(self, what: str) -> int:
        """Returns a sum over all layers, those of unknown cost left out.

        Args:
            what: `parameters`, `macs`, `flops`, `bit_operations`, `activations`, `activation_bytes` or `size_bytes`.
        """
        return sum(getattr(layer, what) or 0 for layer in self.layers)

    @property
    def sparsity(self) -> float:
        """Share of zeros in all kernels."""
        kernels = [weight for layer in self.layers for weight in layer.weights if weight.is_kernel]
        numbers = sum(each.numbers for each in kernels)
        return 1.0 - sum(each.kept for each in kernels) / numbers if numbers else 0.0


def cost(model: keras.Model, input_shapes: Sequence[Shape] | None = None, stored: HowStored | None = None) -> Cost:
    """Returns what each layer of a model costs for one example; the model is looked at, not run.

    A product and its addition are one MAC. Products that padding makes zero count, those of zero weights too;
    normalization, activations, pools and sums have none. Bits of weights are found in their numbers, bits of
    activations in the rounding before them.

    Args:
        model: functional or sequential, built; plain, prepared by a compressor, or finished.
        input_shapes: of one example, one an input, where the model leaves lengths free.
        stored: says how the weights of a prepared model will be stored; without, what their layers see is looked at.

    Raises:
        ConfigError: for models written as classes, and for free lengths that no shapes are given for.
    """
    calls = calls_of(model, input_shapes)
    by_operation: dict[int, list[Call]] = {}
    for call in calls:
        by_operation.setdefault(id(call.operation), []).append(call)
    return Cost(
        name=model.name,
        layers=tuple(_layer_cost(each, stored) for each in by_operation.values()),
        input_shapes=tuple(tuple(each.shape) for each in model.inputs),
        output_shapes=tuple(tuple(each.shape) for each in model.outputs),
    )


def _layer_cost(calls: Sequence[Call], stored: HowStored | None) -> LayerCost:
    first = calls[0]
    counted = [products(call) for call in calls]
    known = [counts for counts in counted if counts is not None]
    is_known = len(known) == len(calls)
    uses = _sum(known)
    weights = _weights(first.operation, uses, stored)
    width = {weight.path: weight.stored.bits for weight in weights}
    flops = sum(floating_point_operations(call, counts) for call, counts in zip(calls, known, strict=False))
    return LayerCost(
        name=first.name,
        kind=type(inside(first.operation)).__name__,
        calls=len(calls),
        output_shape=first.outputs[0] if first.outputs else (),
        weights=weights,
        macs=sum(uses.values()) if is_known else None,
        flops=flops if is_known else None,
        bit_operations=_bit_operations(calls, known, width) if is_known else None,
        activations=sum(map(_activations, calls)),
        activation_bits=max(call.output_bits for call in calls),
        activation_bytes=sum(math.ceil(_activations(call) * call.output_bits / 8) for call in calls),
    )


def _sum(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for each in counts:
        for path, count in each.items():
            total[path] = total.get(path, 0) + count
    return total


def _activations(call: Call) -> int:
    return sum(map(elements, call.outputs))


def _bit_operations(calls: Sequence[Call], counts: Sequence[dict[str, int]], width: dict[str, float]) -> int:
    return round(
        sum(
            count * call.input_bits * (call.input_bits if path == BETWEEN_ACTIVATIONS else width.get(path, _FLOAT_BITS))
            for call, each in zip(calls, counts, strict=True)
            for path, count in each.items()
        )
    )


def _weights(operation: Any, uses: dict[str, int], stored: HowStored | None) -> tuple[WeightCost, ...]:
    if not isinstance(operation, keras.layers.Layer):
        return ()
    bare = operation.layer if isinstance(operation, Compressed) else operation
    paths = weight_paths.of(bare)
    return tuple(
        _weight(operation, path, uses.get(path, 0), stored)
        for path in paths
        if path.rpartition("/")[2] not in _NOT_STORED
    )


def _weight(operation: Any, path: str, macs: int, stored: HowStored | None) -> WeightCost:
    bare = operation.layer if isinstance(operation, Compressed) else operation
    variable = weight_paths.of(bare)[path]
    chain = operation.weight_chains.get(path) if isinstance(operation, Compressed) else None
    values = np.asarray(ops.convert_to_numpy(operation.seen_weight(path) if chain else variable))
    is_kernel = weight_paths.is_kernel(path, variable)
    way = stored(operation, path) if stored and chain else None
    axis = weight_paths.channel_axis(inside(operation), path) if is_kernel else None
    return WeightCost(
        path=path,
        shape=tuple(values.shape),
        kept=int(np.count_nonzero(values)),
        is_parameter=path.rpartition("/")[2] not in _STATISTICS and not isinstance(bare, _WITHOUT_PARAMETERS),
        is_kernel=is_kernel,
        stored=way or stored_numbers(values, axis),
        macs=macs,
    )
