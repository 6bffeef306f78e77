"""What each call of a model costs, as products of a coefficient and one or two widths."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from source.graph._calls import Call, Shape, calls_of, inside
from source.graph._channel_lines import Lines
from source.graph._products import products
from source.graph.channel_groups import ChannelGroups
from source.graph.multiplications import BETWEEN_ACTIVATIONS
from source.graph.trace import Step, trace
from source.layer import weight_paths
from source.layer.compressed import Compressed
from source.layer.transformation import Transformation

_SUMS = ("Add", "Multiply")
_SEPARABLE = (keras.layers.SeparableConv1D, keras.layers.SeparableConv2D)
_ACTIVATIONS = (
    *(keras.layers.Activation, keras.layers.ReLU, keras.layers.LeakyReLU, keras.layers.ELU),
    keras.layers.PReLU,
)
_ACTIVATION_NAMES = ("Relu", "Relu6", "LeakyRelu", "Elu", "Selu", "Gelu", "Silu", "HardSilu", "Sigmoid", "Tanh")
_NOT_ACTIVATIONS = (keras.activations.linear, keras.activations.softmax)


@dataclasses.dataclass(frozen=True)
class Term:
    """A part of a cost: coefficient * the product of the widths of lines.

    Attributes:
        layer: path of the layer that it belongs to.
        operation: number of the operation within the model, for estimates operation by operation.
        coefficient: not negative.
        lines: numbers of the lines, up to three.
        charges: how often the regularization charges it: 2 for depthwise products, once for what they read and once
            for what they make.
    """

    layer: str
    operation: int
    coefficient: int
    lines: tuple[int, ...]
    charges: int = 1


@dataclasses.dataclass(frozen=True)
class Terms:
    """All terms of a model, by what they count; `unknown` names layers whose products no rule counts."""

    macs: list[Term] = dataclasses.field(default_factory=list)
    model_size: list[Term] = dataclasses.field(default_factory=list)
    parameters: list[Term] = dataclasses.field(default_factory=list)
    activation: list[Term] = dataclasses.field(default_factory=list)
    memory: list[Term] = dataclasses.field(default_factory=list)
    unknown: list[str] = dataclasses.field(default_factory=list)


class TermWalk:
    """Goes through the calls of a model and finds the terms."""

    def __init__(self, groups: ChannelGroups, lines: Lines, batch_size: int) -> None:
        self._groups = groups
        self._lines = lines
        self._batch = batch_size
        self._operations = 0
        self._seen: set[int] = set()
        self._sites: dict[tuple[int, str], dict[int, np.ndarray]] = {}
        for site in groups.sites:
            self._sites.setdefault((id(site.layer), site.weight), {})[site.axis] = site.labels
        self.terms = Terms()

    def through(self, model: keras.Model, input_shapes: Sequence[Shape] | None) -> Terms:
        """Returns the terms of all calls.

        Args:
            model: that the groups are of.
            input_shapes: of one example, one an input, where the model leaves lengths free.
        """
        calls = iter(calls_of(model, input_shapes))
        known = self._groups.trace.steps
        shaped = known if input_shapes is None else trace(model, input_shapes).steps
        for step, other in zip(known, shaped, strict=True):
            if step.operation is not None:
                self._call(step, other, next(calls))
        return self.terms

    def _call(self, step: Step, shaped: Step, call: Call) -> None:
        counts = products(call)
        owner = step.operation.layer if isinstance(step.operation, Compressed) else step.operation
        if counts is None:
            self.terms.unknown.append(step.path)
            counts = {}
        if isinstance(owner, keras.layers.Layer) and id(owner) not in self._seen:
            self._seen.add(id(owner))
            self._weights(step.path, owner, counts)
        reads = [self._tensor(*pair) for pair in zip(step.inputs, shaped.inputs, strict=True)]
        makes = [self._tensor(*pair) for pair in zip(step.outputs, shaped.outputs, strict=True)]
        if counts:
            width = 1 if makes[0].lines else int(shaped.outputs[0].shape[-1])
            self.terms.activation.append(Term(step.path, 0, width, makes[0].lines))
            self._linear(step.path, owner, counts, reads, makes)
        elif isinstance(inside(step.operation), keras.layers.Concatenate) or _named(step, ("Concatenate",)):
            self._moves(step.path, [*makes, *makes])
        elif _is_elementwise(step):
            self._moves(step.path, [*reads, *makes])

    def _weights(self, path: str, owner: Any, counts: dict[str, int]) -> None:
        """Notes the numbers of each weight of a layer, once however often it is called."""
        if isinstance(owner, (keras.layers.Normalization, Transformation)):
            return
        for name, variable in weight_paths.of(owner).items():
            coefficient, lines, _ = self._numbers(owner, name, tuple(variable.shape))
            last = name.rpartition("/")[2]
            if not last.startswith("moving_") and "seed_generator" not in last:
                self.terms.parameters.append(Term(path, 0, coefficient, lines))
            if name in counts:
                self.terms.model_size.append(Term(path, 0, coefficient, lines, _charges(owner, name)))

    def _numbers(self, owner: Any, name: str, shape: tuple[int, ...]) -> tuple[int, tuple[int, ...], int]:
        """Returns numbers in a weight as a coefficient and lines, and the product of the lengths of these lines."""
        sited = self._sites.get((id(owner), name), {})
        fixed = math.prod(length for axis, length in enumerate(shape) if axis not in sited)
        return fixed, tuple(self._lines.of(labels) for labels in sited.values()), math.prod(shape) // max(fixed, 1)

    def _linear(self, path: str, owner: Any, counts: dict[str, int], reads: list[Term], makes: list[Term]) -> None:
        """Notes the products of a layer, and what it reads and writes; its activation is an operation of its own."""
        linear = inside(owner)
        if isinstance(linear, _SEPARABLE):
            self._separable(path, owner, counts, reads, makes)
        else:
            operation = self._next()
            for name, count in counts.items():
                self._product(path, operation, owner, name, count)
            self._bytes(path, operation, [*reads, *makes])
        activation = getattr(linear, "activation", None)
        if activation is not None and activation not in _NOT_ACTIVATIONS:
            self._moves(path, [makes[0], makes[0]])

    def _separable(self, path: str, owner: Any, counts: dict[str, int], reads: list[Term], makes: list[Term]) -> None:
        """Notes the two operations of a separable convolution, and the tensor between them."""
        [depthwise, pointwise] = counts
        sited = self._sites[id(owner), pointwise]
        axis = len(weight_paths.of(owner)[pointwise].shape) - 2
        between = dataclasses.replace(makes[0], lines=(self._lines.of(sited[axis]),))
        for name, tensors in ((depthwise, [*reads, between]), (pointwise, [between, *makes])):
            operation = self._next()
            self._product(path, operation, owner, name, counts[name])
            self._bytes(path, operation, tensors)

    def _product(self, path: str, operation: int, owner: Any, name: str, count: int) -> None:
        if name == BETWEEN_ACTIVATIONS:
            self.terms.macs.append(Term(path, operation, self._batch * count, ()))
            return
        variable = weight_paths.of(owner)[name]
        coefficient, lines, lengths = self._numbers(owner, name, tuple(variable.shape))
        charges = _charges(owner, name)
        self.terms.macs.append(Term(path, operation, self._batch * count // lengths, lines, charges))
        width = _bytes_of(getattr(owner, "compute_dtype", "float32"))
        self.terms.memory.append(Term(path, operation, width * coefficient, lines, charges))

    def _moves(self, path: str, tensors: list[Term]) -> None:
        """Notes an operation that only reads and writes."""
        self._bytes(path, self._next(), tensors)

    def _bytes(self, path: str, operation: int, tensors: list[Term]) -> None:
        self.terms.memory.extend(dataclasses.replace(each, layer=path, operation=operation) for each in tensors)

    def _tensor(self, tensor: keras.KerasTensor, shaped: keras.KerasTensor) -> Term:
        """Returns the bytes of a tensor."""
        labels = self._groups.flow.of(tensor)
        lengths = [int(length or 1) for length in shaped.shape[1:]]
        labels = labels.reshape((1,) * (len(lengths) - labels.ndim) + labels.shape)
        others = math.prod(length for length, known in zip(lengths, labels.shape, strict=True) if known == 1)
        wide = any(known > 1 for known in labels.shape)
        line = (self._lines.of(labels),) if wide else ()
        return Term("", 0, self._batch * others * _bytes_of(str(tensor.dtype)), line)

    def _next(self) -> int:
        self._operations += 1
        return self._operations - 1

    @property
    def operations(self) -> int:
        """How many operations count."""
        return self._operations


def _charges(owner: Any, name: str) -> int:
    linear = inside(owner)
    depthwise = weight_paths.is_depthwise(linear, name)
    grouped = getattr(linear, "groups", 1) > 1 and int(linear.kernel.shape[-2]) == 1
    return 2 if depthwise or grouped else 1


def _is_elementwise(step: Step) -> bool:
    operation = inside(step.operation)
    if isinstance(operation, (keras.layers.Add, keras.layers.Multiply, keras.layers.BatchNormalization)):
        return True
    if isinstance(operation, _ACTIVATIONS):
        return getattr(operation, "activation", None) not in _NOT_ACTIVATIONS
    return _named(step, (*_SUMS, *_ACTIVATION_NAMES))


def _named(step: Step, names: Sequence[str]) -> bool:
    is_layer = isinstance(step.operation, keras.layers.Layer)
    return not is_layer and type(step.operation).__name__ in names


def _bytes_of(dtype: str) -> int:
    bits = "".join(each for each in dtype.removeprefix("b").partition("_")[0] if each.isdigit())
    return max(1, int(bits or 8) // 8)
