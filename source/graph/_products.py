"""Products and additions of one call, by rules: of kernels, of activations with each other, of biases and pools."""

import math
from collections.abc import Sequence
from typing import Any

import keras

from source.config.errors import ConfigError
from source.graph._calls import Call, inside
from source.graph.multiplications import BETWEEN_ACTIVATIONS, Counts, multiplications
from source.layer import weight_paths

# They multiply and add in ways that no rule here counts.
_WITHOUT_RULE = {
    *("AdditiveAttention", "Lambda", "MelSpectrogram", "STFTSpectrogram", "Conv", "DepthwiseConv", "SeparableConv"),
    *(
        "ConvTranspose",
        "Tensordot",
        "Inner",
        "Outer",
        "Vdot",
        "Vecdot",
        "Kron",
        "Correlate",
        "Map",
        "Scan",
        "WhileLoop",
    ),
    *("DotProductAttention", "FFT", "IFFT", "FFT2", "IFFT2", "RFFT", "IRFFT", "STFT", "ISTFT", "Cond", "VectorizedMap"),
    *("Dot", "Einsum", "Matmul"),  # but those of two tensors whose lengths say it all
}
_SOFTMAX_OPERATIONS = 5  # for one number: TensorFlow's profiler, flops_registry.py


def products(call: Call) -> Counts | None:
    """Returns products by the path of the weight in them, for one example; None where there is no rule.

    Args:
        call: of a layer or operation.
    """
    operation = inside(call.operation)
    between = _between_activations(operation, call)
    if between is not None:
        return {BETWEEN_ACTIVATIONS: between} if between else {}
    if type(operation).__name__ in _WITHOUT_RULE or not _is_known(operation):
        return None
    if not isinstance(operation, keras.layers.Layer):
        return {}
    try:
        return _below_the_wrapped(call.operation, multiplications(operation, *call.inputs))
    except ConfigError:
        return None


def floating_point_operations(call: Call, counts: Counts) -> int:
    """Returns 2 for each product and its addition, and those of biases, average pools and softmax.

    A bias takes one for each number of the output; an average pool one for each number in each window; softmax five for
    each number. The rest counts nothing: so does TensorFlow's profiler on an inference graph with folded constants.

    Args:
        call: of a layer or operation.
        counts: its products.
    """
    operation = inside(call.operation)
    outputs = sum(map(elements, call.outputs))
    return 2 * sum(counts.values()) + _biases(operation, outputs, counts) + _pools(operation, call) + _softmax(call)


def elements(shape: Sequence[int | None]) -> int:
    """Returns how many numbers one example has."""
    return math.prod(int(length or 1) for length in shape[1:])


def _is_known(operation: Any) -> bool:
    return type(operation).__module__.partition(".")[0] in ("keras", "source")


def _below_the_wrapped(layer: Any, counts: Counts) -> Counts:
    """Returns counts by the paths of the pair of a layer and its normalization, where it is one."""
    bare, around = inside(layer), layer.layer if hasattr(layer, "weight_chains") else layer
    if around is bare or not counts:
        return counts
    outer = {id(variable): path for path, variable in weight_paths.of(around).items()}
    return {
        outer.get(id(weight_paths.of(bare)[path]), path) if path != BETWEEN_ACTIVATIONS else path: count
        for path, count in counts.items()
    }


def _between_activations(operation: Any, call: Call) -> int | None:
    """Returns the products of activations with each other; None where an operation is no such product."""
    kind = type(operation).__name__
    if kind == "Attention":
        query, value = call.inputs[0], call.inputs[1]
        key = call.inputs[2] if len(call.inputs) > 2 else value
        return int(query[1] or 1) * int(value[1] or 1) * (int(key[-1] or 1) + int(value[-1] or 1))
    if isinstance(operation, keras.layers.Dot):
        axes = operation.get_config()["axes"]
        first = axes if isinstance(axes, int) else axes[0]
        return elements(call.outputs[0]) * int(call.inputs[0][first] or 1)
    if kind in ("Matmul", "Dot") and len(call.inputs) == 2:
        return elements(call.outputs[0]) * int(call.inputs[0][-1] or 1)
    if kind == "Einsum" and len(call.inputs) == 2 and "..." not in operation.subscripts:
        letters = operation.subscripts.replace(" ", "").split("->")[0].split(",")
        # A letter of the batch, whose length is free, counts one.
        lengths = {
            letter: int(length or 1)
            for each, shape in zip(letters, call.inputs, strict=True)
            for letter, length in zip(each, shape, strict=True)
        }
        return math.prod(lengths.values())
    return None


def _biases(operation: Any, outputs: int, counts: Counts) -> int:
    if not isinstance(operation, keras.layers.Layer) or not counts:
        return 0
    variables, total = weight_paths.of(operation), 0
    for path, variable in variables.items():
        place, _, name = path.rpartition("/")
        if name == "bias" and not place:
            total += outputs
        elif name == "bias" and f"{place}/kernel" in counts:
            kernel = f"{place}/kernel"
            total += counts[kernel] // math.prod(variables[kernel].shape) * math.prod(variable.shape)
    return total


def _pools(operation: Any, call: Call) -> int:
    pools = tuple(getattr(keras.layers, f"AveragePooling{axes}D") for axes in (1, 2, 3))
    whole = tuple(getattr(keras.layers, f"GlobalAveragePooling{axes}D") for axes in (1, 2, 3))
    if isinstance(operation, whole):
        return elements(call.inputs[0])
    if isinstance(operation, pools):
        return elements(call.outputs[0]) * math.prod(_window(operation, len(call.inputs[0]) - 2))
    return 0


def _window(operation: Any, axes: int) -> Sequence[int]:
    size = operation.pool_size
    return [size] * axes if isinstance(size, int) else size


def _softmax(call: Call) -> int:
    operation = inside(call.operation)
    activation = getattr(operation, "activation", None)
    is_softmax = type(operation).__name__ == "Softmax" or activation is keras.activations.softmax
    return _SOFTMAX_OPERATIONS * elements(call.outputs[0]) if is_softmax else 0
