"""From a finished model to a program: each rounded activation becomes a tensor of codes."""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np

from source.config.errors import ConfigError, DataError
from source.exporter.integer._operation import Operation
from source.exporter.integer._windows import Margins, Pair, pair, same_margins, windows, with_margins
from source.exporter.integer.elementwise import Addition, Concatenation, Padding, Requantization, Reshaping
from source.exporter.integer.pooling import AveragePooling, MaxPooling
from source.exporter.integer.program import Program
from source.exporter.integer.requantization import (
    Rounding,
    mean_multiplier,
    quantized_multipliers,
)
from source.exporter.integer.tensor import Codes
from source.exporter.integer_lowering._activations import Cut, cut_of, fused_cut, limits_of
from source.exporter.integer_lowering._nodes import Key, Node, Nodes, nodes_of
from source.exporter.integer_lowering._products import Affine, is_product, product
from source.exporter.integer_lowering._steps import Steps, is_rounding, steps_of

# 8 bits and 20 of shift leave 3 of int32 for the sum.
_LEFT_SHIFT = 20
_MOST_BITS = 28


def lowered(model: keras.Model, rounding: Rounding = "single") -> Program:
    """Returns the program that computes what a finished model computes, with integers.

    Args:
        model: functional or sequential, its weights multiples of scales, its activations rounded.
        rounding: how accumulators become codes.

    Raises:
        ConfigError: for a layer that has no integer operation, or whose numbers are not rounded, by its name.
    """
    return _Lowering(nodes_of(model)).program(rounding)


class _Lowering:
    """One program being made."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._tensors: dict[str, Codes] = {}
        self._operations: list[Operation] = []
        self._inputs: dict[Key, str] = {}
        self._made: dict[Key, str] = {}

    def program(self, rounding: Rounding) -> Program:
        for node in self._nodes.nodes.values():  # in order, so that no search goes deep
            if is_rounding(node):
                self._codes(node.key)
        outputs = tuple(self._codes(key) for key in self._nodes.outputs)
        missing = [key[0] for key in self._nodes.inputs if key not in self._inputs]
        if missing:
            raise ConfigError(f"Input `{missing[0]}` is not rounded, or not used.")
        inputs = tuple(self._inputs[key] for key in self._nodes.inputs)
        program = Program(self._tensors, tuple(self._operations), inputs, outputs, rounding)
        try:
            program.check()
        except DataError as error:
            raise ConfigError(f"This model cannot be computed with 32 bits: {error}") from error
        return program

    def _codes(self, key: Key) -> str:
        """Returns the tensor of a call whose numbers are rounded already."""
        if key not in self._made:
            self._made[key] = self._codes_of(self._nodes.nodes[key])
        return self._made[key]

    def _codes_of(self, node: Node) -> str:
        if is_rounding(node):
            return self._rounded(node.producers[0], steps_of(node), node)
        cut = cut_of(node)
        if cut is not None:
            return self._requantized(node, self._codes(node.producers[0]), None, cut)
        if node.kind not in _PASSING:
            raise ConfigError(
                f"The output of layer `{node.name}` ({node.kind}) is not rounded, and integers stand for rounded "
                "numbers only. Train the model with the compressor `quantize_aware`, which rounds every activation, "
                "and export what `finish` returns."
            )
        return self._passed(node, [self._codes(each) for each in node.producers])

    def _rounded(self, key: Key, steps: Steps, by: Node, cut: Cut = Cut(), affine: Affine | None = None) -> str:  # noqa: B008
        """Returns the tensor of what a call makes, cut and rounded; `affine` is what comes between."""
        node = self._nodes.nodes[key]
        own = cut_of(node)
        if own is not None and (affine is None or not own.changes):
            return self._rounded(node.producers[0], steps, by, cut.within(own), affine)
        if isinstance(node.operation, keras.layers.BatchNormalization) and affine is None:
            return self._rounded(node.producers[0], steps, by, cut, Affine.of(node))
        if is_product(node):
            fused = fused_cut(node)
            if affine is not None and fused.changes:
                raise ConfigError(f"Layer `{node.name}`: a batch normalization after an activation cannot be folded.")
            [source] = self._sources(node)
            made = product(node, source, steps, cut.within(fused), affine or Affine())
            return self._add(by, made, steps)
        if affine is not None:
            raise ConfigError(
                f"A batch normalization after layer `{node.name}` ({node.kind}) has no integer operation; one after a "
                "convolution or a dense layer is folded into it."
            )
        return self._rounded_otherwise(node, steps, by, cut)

    def _rounded_otherwise(self, node: Node, steps: Steps, by: Node, cut: Cut) -> str:
        if isinstance(node.operation, keras.layers.InputLayer):
            return self._input(node, steps, cut)
        if is_rounding(node):
            return self._requantized(by, self._codes(node.key), steps, cut)
        if node.kind in _PASSING:
            # Rounding keeps the order of numbers, so it may come before what only chooses and moves them.
            return self._passed(node, [self._rounded(each, steps, by, cut) for each in node.producers])
        if node.kind == "Add" and len(node.producers) == 2:
            return self._addition(node, steps, by, cut)
        if isinstance(node.operation, (keras.layers.AveragePooling2D, keras.layers.GlobalAveragePooling2D)):
            return self._average(node, steps, by, cut)
        raise ConfigError(
            f"Layer `{node.name}` ({node.kind}) has no integer operation. Those that have: convolutions, dense layers, "
            "ReLU, additions of two, pools, padding, reshaping and concatenation."
        )

    def _sources(self, node: Node) -> list[Codes]:
        return [self._tensors[self._codes(each)] for each in node.producers]

    def _input(self, node: Node, steps: Steps, cut: Cut) -> str:
        shape = tuple(node.operation.batch_shape[1:])
        made = Codes(node.name, shape, steps.low, steps.high, steps.scale, steps.zero_point)
        if None in shape:
            raise ConfigError(f"Input `{node.name}` has shape {shape}: an integer program needs every length.")
        if cut.changes or self._tensors.setdefault(node.name, made) != made:
            raise ConfigError(f"Input `{node.name}` is to be rounded once, and to one format.")
        self._inputs[node.key] = node.name
        return node.name

    def _add(self, by: Node, made: Operation, steps: Steps) -> str:
        """Adds an operation whose output has steps of its own, and returns that output."""
        return self._append(made, steps.low, steps.high, steps.scale, steps.zero_point)

    def _append(self, made: Operation, low: int, high: int, scale: float, zero_point: int) -> str:
        name = made.name
        while name in self._tensors:
            name += "_"
        shapeless = Codes(name, (), low, high, scale, zero_point)
        sources = [self._tensors[each] for each in made.inputs]
        try:
            found = made.run([each.empty() for each in sources], sources, shapeless, "double")
        except ValueError as error:
            raise ConfigError(f"Layer `{made.name}` does not fit what it is given: {error}") from error
        self._tensors[name] = dataclasses.replace(shapeless, shape=found.shape[1:])
        self._operations.append(dataclasses.replace(made, output=name))
        return name

    def _requantized(self, by: Node, name: str, steps: Steps | None, cut: Cut) -> str:
        source = self._tensors[name]
        steps = steps or Steps(source.low, source.high, source.scale, source.zero_point)
        same = dataclasses.replace(source, low=steps.low, high=steps.high) == source
        if same and (steps.scale, steps.zero_point) == (source.scale, source.zero_point) and not cut.changes:
            return name
        multiplier, shift = quantized_multipliers([source.scale / steps.scale])
        limits = limits_of(steps, cut)
        return self._add(by, Requantization(by.name, (name,), "", multiplier, shift, limits), steps)

    def _addition(self, node: Node, steps: Steps, by: Node, cut: Cut) -> str:
        sources = self._sources(node)
        bits = max(abs(end) for each in sources for end in each.centred).bit_length()
        left_shift = min(_LEFT_SHIFT, _MOST_BITS - bits)
        twice = 2 * max(each.scale for each in sources)
        source_multiplier, source_shift = quantized_multipliers(each.scale / twice for each in sources)
        multiplier, shift = quantized_multipliers([twice / (steps.scale * 2.0**left_shift)])
        made = Addition(
            node.name, tuple(each.name for each in sources), "", multiplier, shift, limits_of(steps, cut), left_shift,
            source_multiplier, source_shift,
        )  # fmt: skip
        return self._add(by, made, steps)

    def _average(self, node: Node, steps: Steps, by: Node, cut: Cut) -> str:
        layer, [source] = node.operation, self._sources(node)
        _refuse_channels_first(node)
        factor, limits = source.scale / steps.scale, limits_of(steps, cut)
        if isinstance(layer, keras.layers.GlobalAveragePooling2D):
            lengths = source.shape[0], source.shape[1]
            multiplier, shift = mean_multiplier(factor, lengths[0] * lengths[1])
            factors = np.array([multiplier], np.int32), np.array([shift], np.int32)
            made = AveragePooling(node.name, (source.name,), "", *factors, limits, lengths, (1, 1), (0, 0, 0, 0))
            name = self._add(by, made, steps)
            return name if layer.keepdims else self._reshaped(node, name, (source.shape[2],))
        window, strides, margins = _pool(layer, source)
        counts = _counts(source, window, strides, margins)
        multipliers, shifts = quantized_multipliers(factor / count for count in counts.reshape(-1))
        factors = multipliers.reshape(counts.shape), shifts.reshape(counts.shape)
        if (counts == counts.flat[0]).all():
            factors = multipliers[:1], shifts[:1]
        made = AveragePooling(node.name, (source.name,), "", *factors, limits, window, strides, margins)
        return self._add(by, made, steps)

    def _passed(self, node: Node, names: list[str]) -> str:
        return _PASSING[node.kind](self, node, names)

    def _like(self, made: Operation) -> str:
        """Adds an operation whose output has the codes of its input, and returns that output."""
        first = self._tensors[made.inputs[0]]
        return self._append(made, first.low, first.high, first.scale, first.zero_point)

    def _reshaped(self, node: Node, name: str, shape: tuple[int, ...]) -> str:
        source = self._tensors[name]
        if shape == source.shape:
            return name
        output = f"{node.name}_reshaped"
        self._tensors[output] = dataclasses.replace(source, name=output, shape=shape)
        self._operations.append(Reshaping(node.name, (name,), output))
        return output

    def flattened(self, node: Node, names: list[str]) -> str:
        _refuse_channels_first(node)
        return self._reshaped(node, names[0], (int(np.prod(self._tensors[names[0]].shape)),))

    def reshaped(self, node: Node, names: list[str]) -> str:
        source = self._tensors[names[0]]
        shape = np.empty(source.shape, np.bool_).reshape(node.operation.target_shape).shape
        return self._reshaped(node, names[0], shape)

    def max_pooled(self, node: Node, names: list[str]) -> str:
        _refuse_channels_first(node)
        window, strides, margins = _pool(node.operation, self._tensors[names[0]])
        return self._like(MaxPooling(node.name, (names[0],), "", window, strides, margins))

    def largest_of_map(self, node: Node, names: list[str]) -> str:
        _refuse_channels_first(node)
        rows, columns, channels = self._tensors[names[0]].shape
        name = self._like(MaxPooling(node.name, (names[0],), "", (rows, columns), (1, 1), (0, 0, 0, 0)))
        return name if node.operation.keepdims else self._reshaped(node, name, (channels,))

    def padded(self, node: Node, names: list[str]) -> str:
        widths = [tuple(each) for each in node.operation.padding]
        # Padding of "channels first" pads the last two axes, whatever these are.
        widths = [*widths, (0, 0)] if node.operation.data_format == "channels_last" else [(0, 0), *widths]
        before, after = zip(*widths, strict=True)
        return self._like(Padding(node.name, (names[0],), "", before, after))

    def concatenated(self, node: Node, names: list[str]) -> str:
        sources = [self._tensors[each] for each in names]
        if not all(each.same_numbers(sources[0]) and each.low == sources[0].low for each in sources):
            raise ConfigError(
                f"Layer `{node.name}` joins tensors of different scales. Round what it makes, so that there is one."
            )
        axis = node.operation.axis % (len(sources[0].shape) + 1)
        return self._like(Concatenation(node.name, tuple(names), "", axis))


# Layers that choose and move numbers without changing them: what codes mean stays.
_PASSING: dict[str, Callable[[_Lowering, Node, list[str]], str]] = {
    "Flatten": _Lowering.flattened,
    "Reshape": _Lowering.reshaped,
    "MaxPooling2D": _Lowering.max_pooled,
    "GlobalMaxPooling2D": _Lowering.largest_of_map,
    "ZeroPadding2D": _Lowering.padded,
    "Concatenate": _Lowering.concatenated,
}


def _refuse_channels_first(node: Node) -> None:
    if getattr(node.operation, "data_format", "channels_last") != "channels_last":
        raise ConfigError(f"Layer `{node.name}` has its channels first. Build the model with the channels last.")


def _pool(layer: keras.layers.Layer, source: Codes) -> tuple[Pair, Pair, Margins]:
    window, strides = pair(layer.pool_size), pair(layer.strides or layer.pool_size)
    same = layer.padding == "same"
    return window, strides, same_margins(pair(source.shape), window, strides) if same else (0, 0, 0, 0)


def _counts(source: Codes, window: Pair, strides: Pair, margins: Margins) -> np.ndarray:
    """Returns how many numbers of a map each window has, (rows, columns, 1)."""
    ones = with_margins(np.ones((1, *source.shape[:2], 1), np.int64), margins)
    return windows(ones, window, strides).sum(axis=(3, 4))[0]
