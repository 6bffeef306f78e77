"""What a LiteRT file computes, operation by operation, and in which numbers."""

import collections
import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from source.config.errors import MissingDependencyError

_BETWEEN = ("QUANTIZE", "DEQUANTIZE")  # from numbers to codes and back


@dataclasses.dataclass(frozen=True)
class Operation:
    """One operation of a file.

    Attributes:
        kind: such as "CONV_2D".
        output: name of its first output tensor.
        dtype: of that tensor, such as "INT8".
        inputs: places of its input tensors.
    """

    kind: str
    output: str
    dtype: str
    inputs: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class StoredTensor:
    """One tensor of a file.

    Attributes:
        name: of the tensor.
        values: its constant numbers; None for what is computed.
        scales: float32, none for numbers that are no codes.
        axis: whose indices have a scale each.
    """

    name: str
    values: np.ndarray | None
    scales: np.ndarray
    axis: int


def operations_of(path: pathlib.Path) -> list[Operation]:
    """Returns the operations of the main graph of a file, in their order.

    Args:
        path: of a `.tflite` file.
    """
    model, schema = _read(path)
    types = {value: name for name, value in vars(schema.TensorType).items() if not name.startswith("_")}
    graph = model.subgraphs[0]
    found = []
    for each in graph.operators:
        tensor = graph.tensors[each.outputs[0]]
        inputs = tuple(int(place) for place in each.inputs)
        found.append(Operation(_kind(model, schema, each), tensor.name.decode(), types[tensor.type], inputs))
    return found


def output_steps(path: pathlib.Path) -> list[float | None]:
    """Returns what one code of each output means, before it is made a number; None for outputs in float.

    Args:
        path: of a `.tflite` file with outputs `output_0`, `output_1`, ...
    """
    model, schema = _read(path)
    graph = model.subgraphs[0]
    producers = {int(place): each for each in graph.operators for place in each.outputs}
    numbered = {entry.name.decode(): int(entry.tensorIndex) for entry in model.signatureDefs[0].outputs}
    steps: list[float | None] = []
    for name in sorted(numbered, key=lambda name: int(name.rpartition("_")[2])):
        place = numbered[name]
        producer = producers.get(place)
        if producer is not None and _kind(model, schema, producer) == "DEQUANTIZE":
            place = int(producer.inputs[0])
        quantization = graph.tensors[place].quantization
        scale = quantization.scale if quantization is not None else None
        steps.append(float(scale[0]) if scale is not None and len(scale) else None)
    return steps


def within_one_code(expected: np.ndarray, found: np.ndarray, step: float) -> float:
    """Returns the share of numbers that are at most one code apart.

    Args:
        expected: what the model answers.
        found: what the file answers.
        step: what one code means.
    """
    codes = np.abs(np.asarray(expected, np.float64) - np.asarray(found, np.float64)) / step
    # The model's numbers are on the same grid, up to the rounding of float32.
    return float(np.mean(codes < 1.001))


def tensors_of(path: pathlib.Path) -> list[StoredTensor]:
    """Returns the tensors of the main graph of a file, with the numbers of constants.

    Args:
        path: of a `.tflite` file.
    """
    model, schema = _read(path)
    dtypes = {schema.TensorType.INT8: np.int8, schema.TensorType.INT32: np.int32, schema.TensorType.FLOAT32: np.float32}
    found = []
    for tensor in model.subgraphs[0].tensors:
        data, quantization = model.buffers[tensor.buffer].data, tensor.quantization
        values = None
        if data is not None and len(data) and tensor.type in dtypes:
            shape = () if tensor.shape is None else tuple(tensor.shape)
            values = np.frombuffer(bytes(data), dtypes[tensor.type]).reshape(shape)
        scales = quantization.scale if quantization is not None and quantization.scale is not None else ()
        axis = quantization.quantizedDimension if len(scales) else 0
        found.append(StoredTensor(tensor.name.decode(), values, np.asarray(scales, np.float32), axis))
    return found


def float_operations(operations: Sequence[Operation]) -> list[Operation]:
    """Returns the operations that compute in floating point; conversions between codes and numbers are none.

    Args:
        operations: of a file.
    """
    return [each for each in operations if each.dtype.startswith(("FLOAT", "BFLOAT")) and each.kind not in _BETWEEN]


def described(operations: Sequence[Operation], most: int = 8) -> str:
    """Returns how many operations of which kind there are, and the names of the first ones.

    Args:
        operations: to name.
        most: how many names.
    """
    counts = collections.Counter(each.kind for each in operations)
    kinds = ", ".join(f"{kind} ×{count}" if count > 1 else kind for kind, count in counts.items())
    names = ", ".join(f"`{_short(each.output)}`" for each in operations[:most])
    return f"{kinds} ({names}{', ...' if len(operations) > most else ''})"


def _kind(model: Any, schema: Any, operator: Any) -> str:
    code = model.operatorCodes[operator.opcodeIndex]
    if code.customCode:
        return str(code.customCode.decode())
    number = max(code.builtinCode, code.deprecatedBuiltinCode)
    return next(name for name, value in vars(schema.BuiltinOperator).items() if value == number)


def _short(name: str) -> str:
    """Returns the first of the names that a converter has fused, without the model's own."""
    return "/".join(name.partition(";")[0].split("/")[-2:])


def _read(path: pathlib.Path) -> tuple[Any, Any]:
    try:
        from ai_edge_litert import schema_py_generated
        from ai_edge_litert.tools import flatbuffer_utils
    except ImportError as error:
        raise MissingDependencyError(
            "LiteRT files need the package `ai-edge-litert`: pip install 'espalier[export]'."
        ) from error
    return flatbuffer_utils.read_model(str(path)), schema_py_generated
