"""Batch normalization made part of the linear layers beside it."""

from collections import defaultdict
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from source.graph.wiring import Wiring
from source.surgery import _linear
from source.surgery._linear import Affine
from source.surgery.rewrite import Replacement, graphs_of, pass_on, refuse_other_models, rewrite


class Unfolded(NamedTuple):
    """A batch normalization that stays.

    Attributes:
        name: of the layer.
        reason: why, a few words that follow the name.
    """

    name: str
    reason: str


def fold_batch_norm(model: keras.Model) -> keras.Model:
    """Returns a copy of a model without the batch normalizations that linear layers beside them can take in.

    A dense layer or convolution w * x + b that alone feeds a normalization gets w * s and (b - mean) * s + beta with
    s = gamma / sqrt(variance + epsilon). One that a normalization alone feeds, and that does not pad, gets
    s * w and b + w * (beta - mean * s). Computed in float64 and rounded once, so that outputs in inference stay within
    the rounding of float32. Where a kernel has a grid of up to 8 bits for each channel, the folded one is
    float32(code) * float32(scale * s): it has the same codes. Zeros stay zeros.

    Args:
        model: functional or sequential, built. Layers in wrappers are copied: `bake` a prepared model before.

    Raises:
        ConfigError: for models and layers that cannot be copied.
    """
    refuse_other_models(model)
    return rewrite(model, _Plan(model).replacement)


def unfoldable(model: keras.Model) -> list[Unfolded]:
    """Returns the batch normalizations that `fold_batch_norm` leaves where they are, each with the reason.

    Args:
        model: as for `fold_batch_norm`.
    """
    refuse_other_models(model)
    return _Plan(model).kept


class _Plan:
    """Which normalization becomes part of which layer.

    Attributes:
        kept: the others.
    """

    def __init__(self, model: keras.Model) -> None:
        self._uses = _Uses(model)
        self._before: dict[int, Affine] = {}
        self._after: dict[int, Affine] = {}
        self._gone: set[int] = set()
        self.kept: list[Unfolded] = []
        for operation in self._uses.operations.values():
            if type(operation) is keras.layers.BatchNormalization:
                self._place(operation)

    def replacement(self, layer: keras.layers.Layer) -> Replacement | None:
        """Returns what stands in the place of a layer; None for a copy."""
        if id(layer) in self._gone:
            return pass_on
        inputs, outputs = self._before.get(id(layer)), self._after.get(id(layer))
        return None if inputs is None and outputs is None else _linear.rescaled(layer, inputs, outputs)

    def _place(self, norm: keras.layers.BatchNormalization) -> None:
        affine = _affine(norm)
        reason = self._refusal(norm, affine)
        if reason is None:
            behind, ahead = self._refusal_behind(norm), self._refusal_ahead(norm)
            if behind is None:
                self._after[id(self._uses.producers[id(norm)][0])] = affine
            elif ahead is None:
                self._before |= {id(layer): affine for layer in self._uses.consumers[id(norm)]}
            else:
                reason = f"{behind}; {ahead}"
        if reason is None:
            self._gone.add(id(norm))
        else:
            self.kept.append(Unfolded(norm.name, reason))

    def _refusal(self, norm: keras.layers.BatchNormalization, affine: Affine) -> str | None:
        if any(keywords.get("training") for keywords in self._uses.keywords[id(norm)]):
            return "is called with training=True: it takes the statistics of each batch"
        if not all(np.isfinite(numbers).all() for numbers in affine):
            return "has scales or offsets that are not finite"
        return None

    def _refusal_behind(self, norm: keras.layers.BatchNormalization) -> str | None:
        """Returns why what feeds a normalization cannot take it in; None if it can."""
        producers = self._uses.producers[id(norm)]
        layer = producers[0]
        if any(each is not layer for each in producers):
            return f"follows several layers: {_names(producers)}"
        if (why := _linear.output_refusal(layer)) is not None:
            return f"follows `{layer.name}`, which {why}"
        others = [each for each in self._uses.consumers[id(layer)] if each is not norm]
        if others or id(layer) in self._uses.outputs:
            return f"follows `{layer.name}`, whose output goes to {_names(others) or 'the output of a model'}, too"
        return _axis_refusal(norm, layer)

    def _refusal_ahead(self, norm: keras.layers.BatchNormalization) -> str | None:
        """Returns why what a normalization feeds cannot take it in; None if it can."""
        if id(norm) in self._uses.outputs:
            return "goes to the output of a model"
        for layer in self._uses.consumers[id(norm)]:
            if (why := _linear.input_refusal(layer)) is not None:
                return f"goes to `{layer.name}`, which {why}"
            others = [each for each in self._uses.producers[id(layer)] if each is not norm]
            if others:
                return f"goes to `{layer.name}`, which {_names(others)} feeds, too"
            if (why := _axis_refusal(norm, layer)) is not None:
                return why
            if _linear.has_grid(layer):
                return f"goes to `{layer.name}`, whose weights have codes of few bits that scales of inputs would undo"
        return None


class _Uses:
    """What feeds what in a model and those nested in it; a layer in several graphs has the uses of all.

    Attributes:
        operations: id of an operation to the operation.
        producers: id of an operation to what feeds it, once for each use.
        consumers: id of an operation to what it feeds, once for each use.
        outputs: ids of operations that make an output of a graph.
        keywords: id of an operation to the keyword arguments of its calls.
    """

    def __init__(self, model: keras.Model) -> None:
        self.operations: dict[int, Any] = {}
        self.producers: dict[int, list[Any]] = defaultdict(list)
        self.consumers: dict[int, list[Any]] = defaultdict(list)
        self.outputs: set[int] = set()
        self.keywords: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for graph in graphs_of(model):
            wiring = Wiring(graph)
            for name, operation in wiring.operations.items():
                key = id(operation)
                self.operations[key] = operation
                self.producers[key] += wiring.producers(name)
                self.consumers[key] += wiring.consumers(name)
                self.keywords[key] += wiring.keyword_arguments(name)
                self.outputs |= {key} if wiring.is_output(name) else set()


def _affine(norm: keras.layers.BatchNormalization) -> Affine:
    """Returns what a normalization does to each channel."""
    mean, variance = _numbers(norm.moving_mean), _numbers(norm.moving_variance)
    gamma = _numbers(norm.gamma) if norm.scale else np.ones_like(mean)
    beta = _numbers(norm.beta) if norm.center else np.zeros_like(mean)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = gamma / np.sqrt(variance + norm.epsilon)
        return Affine(scale, beta - mean * scale)


def _axis_refusal(norm: keras.layers.BatchNormalization, layer: keras.layers.Layer) -> str | None:
    rank = len(norm.get_build_config()["input_shape"])
    axis, expected = norm.axis % rank, _linear.channel_axis(layer, rank)
    if axis == expected:
        return None
    return f"normalizes axis {axis}, and `{layer.name}` has its channels on axis {expected}"


def _numbers(variable: keras.Variable) -> np.ndarray[Any, Any]:
    return np.asarray(ops.convert_to_numpy(variable)).astype(np.float64)


def _names(operations: list[Any]) -> str:
    return ", ".join(dict.fromkeys(f"`{each.name}`" for each in operations))
