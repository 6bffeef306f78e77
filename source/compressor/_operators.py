"""Puts approximated operators in the place of the exact ones of a model, and measures how far off they are."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from source.compressor import _calibration
from source.graph.wiring import Wiring
from source.layer.approximated import Approximated
from source.layer.approximation.grammar import approximation
from source.layer.approximation.layers import ApproximateSoftmax
from source.layer.approximation.operator import Approximation
from source.layer.approximation.replace import replace_operator
from source.layer.building import build_from_shapes
from source.layer.compressed import Compressed
from source.surgery.rewrite import clone, copy_variables, graphs_of, rewrite
from source.surgery.wrap import wrapped

# Operations of `keras.ops` in functional models, by the class that Keras gives them.
_OPERATIONS = {
    "softmax": "Softmax",
    "gelu": "Gelu",
    "silu": "Silu",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "exp": "Exp",
}

Replacement = Callable[[Any], Callable[..., Any] | None]


def operations_of(model: keras.Model) -> list[Any]:
    """Returns layers and other operations of a model and of those nested in it, without wrappers, models and inputs.

    Args:
        model: functional or sequential, built.
    """
    found: dict[int, Any] = {}
    for graph in graphs_of(model):
        for operation in Wiring(graph).operations.values():
            if not isinstance(operation, (keras.Model, keras.layers.InputLayer)):
                found[id(operation)] = operation
    return list(found.values())


def computes(operation: Any, name: str) -> bool:
    """Returns whether a layer or an operation computes an operator in a place that can be reached.

    Args:
        operation: perhaps wrapped.
        name: of the approximation.
    """
    return _replaced_once(operation, name) is not None


def replaced(operation: Any, names: Sequence[str]) -> keras.layers.Layer | None:
    """Returns a layer with the same weights and chains that computes operators approximately; None if it has none.

    Args:
        operation: a layer, perhaps wrapped, or another operation.
        names: of the approximations.
    """
    made = None
    for name in names:
        again = _replaced_once(operation if made is None else made, name)
        made = made if again is None else again
    return made


def marked(operation: Any, names: Sequence[str], owner: str) -> Compressed | None:
    """Returns what `replaced` does, in a wrapper that says so; None if nothing is approximated.

    Args:
        operation: a layer, perhaps wrapped, or another operation.
        names: of the approximations.
        owner: name of the compressor.
    """
    found = [str(approximation(name)) for name in names if computes(operation, name)]
    made = replaced(operation, names)
    return None if made is None else wrapped(made, outputs=[Approximated(" and ".join(found), owner=owner)])


def errors(model: keras.Model, replace: Replacement, calibration: Any) -> dict[str, float]:
    """Returns the largest difference that approximation makes to the output of each layer.

    Both are computed of the same inputs, those that reach the layer when all layers before it are approximated.

    Args:
        model: with exact operators.
        replace: returns what approximates an operation, or None.
        calibration: inputs of the model, as for `prepare`.
    """
    pairs: list[_Pair] = []

    def pair(operation: Any) -> _Pair | None:
        approximate = replace(operation)
        if approximate is None:
            return None
        is_layer = isinstance(operation, keras.layers.Layer)
        exact = clone(operation) if is_layer else type(operation).from_config(operation.get_config())
        pairs.append(_Pair(exact, approximate, name=operation.name))
        return pairs[-1]

    _calibration.calibrate(rewrite(model, pair, operations=True), calibration, ())
    return {each.name: each.largest for each in pairs}


class _Pair(keras.layers.Layer):
    """Returns what the approximate one of two returns, and notes how far the exact one is from it."""

    def __init__(self, exact: Any, approximate: Any, name: str) -> None:
        super().__init__(name=name, dtype=approximate.dtype_policy, autocast=False)
        self.exact = exact
        self.approximate = approximate
        self.largest = 0.0
        self.built = True

    def call(self, *args: Any, **kwargs: Any) -> Any:
        outputs = self.approximate(*args, **kwargs)
        both = [keras.tree.flatten(each) for each in (outputs, self.exact(*args, **kwargs))]
        for one, other in zip(*both, strict=True):
            distance = ops.max(ops.abs(ops.cast(one, "float32") - ops.cast(other, "float32")))
            self.largest = max(self.largest, float(distance))
        return outputs

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        return self.approximate.compute_output_spec(*args, **kwargs)


def _replaced_once(operation: Any, name: str) -> keras.layers.Layer | None:
    if not isinstance(operation, keras.layers.Layer):
        return _of_operation(operation, approximation(name))
    if isinstance(operation, Compressed):
        return _within(operation, name)
    return _with_weights(operation, replace_operator(operation, name))


def _within(wrapper: Compressed, name: str) -> Compressed | None:
    """Returns a wrapper with its chains around a layer that approximates, or with an approximate activation."""
    if wrapper.before_activation:
        bare = keras.layers.Activation(wrapper.activation)
        activation = replace_operator(bare, name)
        if activation is None:
            return None
        made = wrapper.around(clone(wrapper.layer))
        made.activation = activation.activation
        return made
    inner = _with_weights(wrapper.layer, replace_operator(wrapper.layer, name))
    return None if inner is None else wrapper.around(inner)


def _with_weights(layer: keras.layers.Layer, made: keras.layers.Layer | None) -> keras.layers.Layer | None:
    """Returns the new layer with the weights of the old."""
    if made is None:
        return None
    config = layer.get_build_config() if layer.built and layer.variables else None
    if config is not None:
        build_from_shapes(made, config)
    if made.built or not layer.variables:
        copy_variables(layer, made)
    return made


def _of_operation(operation: Any, operator: Approximation) -> keras.layers.Layer | None:
    if type(operation).__name__ != _OPERATIONS.get(operator.operator):
        return None
    config = operation.get_config()
    if config.get("approximate"):
        return None  # GELU by tanh, whose gradient is another
    if "axis" in config:
        return ApproximateSoftmax(operator, axis=config["axis"], name=operation.name)
    return keras.layers.Activation(operator, name=operation.name)
