"""Weights on an even grid become int8 in the file, rounded activations uint8, biases between them int32."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from source.exporter._onnx_convert import package
from source.exporter._onnx_graph import replace_nodes
from source.numeric.grid import channel_grid

# Operator to the axis of its weight along which outputs lie.
_OUTPUT_AXIS = {"Conv": 0, "ConvTranspose": 1, "MatMul": -1, "Gemm": -1}
# Operators that give on numbers of their first input as they are.
_MOVING = ("Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "MaxPool")
_LARGEST_BIAS = 2**31 - 1


@dataclasses.dataclass(frozen=True)
class Stored:
    """What of a graph has become integers.

    Attributes:
        activations: roundings of activations.
        weights: int8 weights.
        numbers: of all these weights together.
        biases: int32 biases.
        float_weights: nodes whose inputs are rounded and whose weights lie on no grid.
    """

    activations: int
    weights: int
    numbers: int
    biases: int
    float_weights: tuple[str, ...]


def store_integers(graph: Any, ranks: dict[str, int]) -> Stored:
    """Stores as integers what is made of integers, each with its scales; returns what that was.

    A weight is stored so if float32(code) * scale is the weight for every number. Where the input and the output of a
    node are rounded, all of it is made to be computed with integers: the bias is rounded to multiples of scale of the
    input * scale of the weight, which moves it by half of a step of the sum that it is added to at most.

    Args:
        graph: changed in place.
        ranks: of tensors, by name, as far as they are known.
    """
    return _Integers(graph, ranks).store()


class _Integers:
    """One graph being changed: its initializers as arrays, and the nodes made so far."""

    def __init__(self, graph: Any, ranks: dict[str, int]) -> None:
        self._onnx = package("onnx")
        self._graph = graph
        self._ranks = ranks
        self._arrays = {each.name: each for each in graph.initializer}
        self._made: set[tuple[str, str]] = set()
        self._float_weights: list[str] = []
        self._weights: dict[str, np.ndarray] = {}
        self._biases = 0
        self._uses: dict[str, list[Any]] = {}

    def store(self) -> Stored:
        activations = self._drop_axes()
        self._join_products()
        steps, self._uses = self._steps(), _uses(self._graph)
        nodes = []
        for node in self._graph.node:
            nodes += [*self._dequantized(node, steps), node]
        replace_nodes(self._graph, nodes)
        self._drop_unused()
        numbers = sum(each.size for each in self._weights.values())
        return Stored(activations, len(self._weights), numbers, self._biases, tuple(self._float_weights))

    def _drop_axes(self) -> int:
        """Drops the axis of roundings with one scale, which means nothing and hinders; returns their number."""
        rounded = 0
        for node in self._graph.node:
            if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
                del node.attribute[:]
                rounded += node.op_type == "QuantizeLinear"
        return rounded

    def _join_products(self) -> None:
        """Makes a product of matrices and the bias that is added to it one operator, as runtimes of integers want."""
        uses = _uses(self._graph)
        outputs = {each.name for each in self._graph.output}
        nodes = list(self._graph.node)
        for node in self._graph.node:
            if node.op_type != "MatMul" or self._ranks.get(node.input[0]) != 2 or node.output[0] in outputs:
                continue
            following = uses.get(node.output[0], [])
            bias = self._bias_added(node, following[0]) if len(following) == 1 else None
            if bias is not None and self._grid(node) is not None:
                joined = self._onnx.helper.make_node(
                    "Gemm", [*node.input, bias], following[0].output, name=following[0].name
                )
                nodes = [joined if each is node else each for each in nodes if each is not following[0]]
        replace_nodes(self._graph, nodes)

    def _bias_added(self, node: Any, following: Any) -> str | None:
        if following.op_type != "Add":
            return None
        [other] = [name for name in following.input if name != node.output[0]] or [""]
        bias, weight = self._array(other), self._array(node.input[1])
        return other if bias is not None and weight is not None and bias.shape == weight.shape[-1:] else None

    def _steps(self) -> dict[str, np.ndarray]:
        """Returns the step of every activation that was rounded, with those that only move its numbers about."""
        steps: dict[str, np.ndarray] = {}
        for node in self._graph.node:
            if node.op_type == "DequantizeLinear":
                scale = self._array(node.input[1])
                if scale is not None and scale.ndim == 0:
                    steps[node.output[0]] = scale
            elif node.op_type in _MOVING and node.input[0] in steps:
                steps[node.output[0]] = steps[node.input[0]]
        return steps

    def _dequantized(self, node: Any, steps: dict[str, np.ndarray]) -> Iterator[Any]:
        """Yields what makes numbers of the integers of a node's weight and bias, and lets the node use it."""
        grid = self._grid(node)
        step = steps.get(node.input[0]) if self._is_rounded(node) else None
        if grid is None:
            if step is not None and node.op_type in _OUTPUT_AXIS and self._array(node.input[1]) is not None:
                self._float_weights.append(node.name)
            return
        codes, scales, axis = grid
        # A weight that several nodes share may be made into numbers in both ways.
        weight, ending = node.input[1], "numbers" if step is not None else "product"
        if weight not in self._weights:
            self._weights[weight] = codes
            self._add(f"{weight}_codes", codes.astype(np.int8))
        if (weight, ending) not in self._made:
            self._made.add((weight, ending))
            if step is not None:
                yield self._dequantize(weight, scales, np.zeros(len(scales), np.int8), axis)
            else:
                yield from self._multiplied(weight, scales, axis, codes.ndim)
        node.input[1] = f"{weight}_{ending}"
        if step is not None and len(node.input) > 2 and node.op_type != "ConvTranspose":
            yield from self._dequantized_bias(node, step * scales)

    def _multiplied(self, weight: str, scales: np.ndarray, axis: int, rank: int) -> Iterator[Any]:
        """Yields a cast and a product, which a runtime does once when it loads the file.

        onnxruntime may take `DequantizeLinear` as leave to round the other factor too, and runs it at every call where
        it finds no operator of integers.
        """
        shape = [len(scales) if place == axis else 1 for place in range(rank)]
        self._add(f"{weight}_factors", scales.reshape(shape))
        make, cast = self._onnx.helper.make_node, f"{weight}_cast"
        yield make("Cast", [f"{weight}_codes"], [cast], name=cast, to=self._onnx.TensorProto.FLOAT)
        yield make("Mul", [cast, f"{weight}_factors"], [f"{weight}_product"], name=f"{weight}_product")

    def _is_rounded(self, node: Any) -> bool:
        """Whether the output, perhaps behind ReLU, is rounded: then all of it is computed with integers."""
        following = self._uses.get(node.output[0], [])
        if len(following) == 1 and following[0].op_type == "Relu":
            following = self._uses.get(following[0].output[0], [])
        return bool(following) and all(each.op_type == "QuantizeLinear" for each in following)

    def _dequantized_bias(self, node: Any, scales: np.ndarray) -> Iterator[Any]:
        bias = self._array(node.input[2])
        if bias is None or bias.shape != scales.shape:
            return
        codes = np.rint(bias.astype(np.float64) / scales)
        if not np.abs(codes).max(initial=0.0) <= _LARGEST_BIAS:
            return
        name = f"{node.input[2]}_of_{node.name}"  # equal biases of other layers have other scales
        self._add(f"{name}_codes", codes.astype(np.int32))
        yield self._dequantize(name, scales, np.zeros(len(scales), np.int32), 0)
        node.input[2] = f"{name}_numbers"
        self._biases += 1

    def _dequantize(self, name: str, scales: np.ndarray, zeros: np.ndarray, axis: int) -> Any:
        self._add(f"{name}_scales", scales)
        self._add(f"{name}_zeros", zeros)
        parts = [f"{name}_codes", f"{name}_scales", f"{name}_zeros"]
        return self._onnx.helper.make_node(
            "DequantizeLinear", parts, [f"{name}_numbers"], name=f"{name}_dequantize", axis=axis
        )

    def _grid(self, node: Any) -> tuple[np.ndarray, np.ndarray, int] | None:
        """Returns codes, scales and axis of a node's weight; None if it has none or would not be smaller."""
        if node.op_type not in _OUTPUT_AXIS or any(
            each.name in ("transA", "transB") and each.i for each in node.attribute
        ):
            return None
        weight = self._array(node.input[1])
        if weight is None or weight.dtype != np.float32 or weight.ndim < 2:
            return None
        axis = _OUTPUT_AXIS[node.op_type] % weight.ndim
        found = channel_grid(weight, axis) if weight.size > 2 * weight.shape[axis] else None
        if found is None:
            return None
        codes, scales = found[0], found[1].reshape(-1)
        used = np.any(codes != 0, axis=tuple(each for each in range(codes.ndim) if each != axis))
        # Channels of zeros share the least scale of the others, so that their biases are not rounded coarsely.
        return codes, np.where(used, scales, scales[used].min(initial=np.float32(1.0))).astype(np.float32), axis

    def _array(self, name: str) -> np.ndarray | None:
        tensor = self._arrays.get(name)
        return None if tensor is None else self._onnx.numpy_helper.to_array(tensor)

    def _add(self, name: str, array: np.ndarray) -> None:
        tensor = self._onnx.numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name)
        self._graph.initializer.append(tensor)
        self._arrays[name] = tensor

    def _drop_unused(self) -> None:
        used = {name for node in self._graph.node for name in node.input} | {each.name for each in self._graph.output}
        kept = [each for each in self._graph.initializer if each.name in used]
        copies = [type(each).FromString(each.SerializeToString()) for each in kept]
        del self._graph.initializer[:]
        self._graph.initializer.extend(copies)


def _uses(graph: Any) -> dict[str, list[Any]]:
    """Returns the nodes that use each value."""
    uses: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            uses.setdefault(name, []).append(node)
    return uses
