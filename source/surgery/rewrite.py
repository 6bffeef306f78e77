"""A copy of a model in which some layers are replaced; shared layers stay shared, nested models stay nested."""

from collections.abc import Callable, Iterator
from typing import Any

import keras
from keras import ops

from source.config.errors import ConfigError
from source.graph.wiring import as_functional
from source.layer import weight_paths
from source.layer.building import build_from_shapes
from source.layer.compressed import Compressed

# What stands in a layer's place: a layer, or a function of symbolic tensors that builds one or more.
Replacement = Callable[..., Any]
Replace = Callable[[keras.layers.Layer], Replacement | None]
Inputs = Callable[[keras.Model], list[keras.KerasTensor] | None]

# Layers without weights that no configuration brings back: a function that is bytes, and tables of words.
_WITHOUT_COPY = (
    keras.layers.Lambda,
    keras.layers.TextVectorization,
    keras.layers.StringLookup,
    keras.layers.IntegerLookup,
)


def rewrite(
    model: keras.Model, replace: Replace, operations: bool = False, inputs: Inputs | None = None
) -> keras.Model:
    """Returns a copy of a model in which `replace` has said what stands in the place of each layer.

    The copy is functional, has layers of its own, and is not compiled. Layers that nothing replaces are copied with
    their weights. The model itself is not changed.

    Args:
        model: functional or sequential, built.
        replace: called once with each layer, of nested models too; returns None to keep a copy of the layer, or what
            is called in its place.
        operations: whether to ask about operations that are no layers too, such as `x + y`.
        inputs: returns the inputs, flat, that a nested model gets in its copy; None for those of the same shapes.

    Raises:
        ConfigError: for models and layers that cannot be copied, naming them and the remedy.
    """
    return _Rewrite(replace, operations, inputs).copied(model)


def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
    """Returns a layer of the same class and settings with the same weights; built if the layer is.

    Args:
        layer: any layer.

    Raises:
        ConfigError: for a layer that cannot be made from its configuration.
    """
    if isinstance(layer, Compressed):
        return layer.around(clone(layer.layer))
    copied = _from_config(layer)
    build_config = layer.get_build_config() if layer.built and layer.variables else None
    if build_config is not None:
        build_from_shapes(copied, build_config)
    if copied.built or not layer.variables:
        copy_variables(layer, copied)
    return copied


def copy_variables(source: keras.layers.Layer, target: keras.layers.Layer) -> None:
    """Gives a layer the weights, statistics and random states of another of the same class and settings.

    Raises:
        ConfigError: if the two do not have the same variables.
    """
    shapes = [[tuple(variable.shape) for variable in layer.variables] for layer in (source, target)]
    if shapes[0] != shapes[1]:
        raise ConfigError(
            f"Layer `{source.name}` ({type(source).__name__}): a copy made from its configuration has other weights "
            f"({len(shapes[1])} for {len(shapes[0])}). Let `get_config` return every argument of its constructor, and "
            "create its weights in `build`."
        )
    for variable, copied in zip(source.variables, target.variables, strict=True):
        copied.assign(ops.copy(ops.convert_to_tensor(variable)))  # JAX would share the numbers, and free them
    if isinstance(target, keras.layers.Normalization):
        target.finalize_state()  # it computes with constants that were made of its variables
    weight_paths.keep(target, weight_paths.of(source))


def graphs_of(model: keras.Model) -> Iterator[keras.Model]:
    """Yields a model and the models nested in it, each once, outer ones first.

    Args:
        model: functional or sequential, built.
    """
    seen: set[int] = set()
    waiting = [model]
    while waiting:
        graph = waiting.pop(0)
        if id(graph) not in seen:
            seen.add(id(graph))
            yield graph
            waiting += [layer for layer in graph.layers if _is_graph(layer)]


def layers_of(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """Yields the layers that `rewrite` asks about: all but inputs, those of nested models in the place of the models.

    Args:
        model: functional or sequential, built.
    """
    seen: set[int] = set()
    for layer in model.layers:
        if id(layer) in seen or isinstance(layer, keras.layers.InputLayer):
            continue
        seen.add(id(layer))
        yield from layers_of(layer) if _is_graph(layer) else (layer,)


def refuse_other_models(model: Any) -> None:
    """Refuses what is no functional or sequential model with known inputs.

    Raises:
        ConfigError: naming the model and what to do.
    """
    if not isinstance(model, keras.Model):
        kind = f"{type(model).__module__}.{type(model).__name__}"
        legacy = " Models of Keras 2 must be converted to Keras 3 first." if "tf_keras" in kind else ""
        raise ConfigError(f"Expected a keras.Model. Received: {kind}.{legacy}")
    if not _is_graph(model):
        raise ConfigError(
            f"Model `{model.name}` ({type(model).__name__}) is written as a class, so its layers cannot be told apart. "
            "Wrap it, `inputs = keras.Input(...); model = keras.Model(inputs, model(inputs))`: its weights are then "
            "those of one layer, told apart by their paths; or write it as a functional model."
        )
    if not getattr(model, "inputs", None):
        raise ConfigError(
            f"Model `{model.name}` does not know its input yet. Call `model.build(input_shape)`, or begin it with "
            "`keras.Input(shape)`."
        )


def pass_on(x: Any, *_: Any, **__: Any) -> Any:
    """Returns x: what stands in the place of a layer that is gone."""
    return x


class _Rewrite:
    """One copy being made: what has been copied so far, and whose weights are still to be carried over."""

    def __init__(self, replace: Replace, operations: bool, inputs: Inputs | None) -> None:
        self._replace = replace
        self._operations = operations
        self._inputs = inputs or (lambda _: None)
        self._made: dict[int, Replacement] = {}
        self._unbuilt: list[tuple[keras.layers.Layer, keras.layers.Layer]] = []

    def copied(self, model: keras.Model) -> keras.Model:
        refuse_other_models(model)
        copied = self._graph(model)
        for layer, its_copy in self._unbuilt:
            copy_variables(layer, its_copy)
        if not model.trainable:
            copied.trainable = False  # True would thaw every frozen layer
        return copied

    def _graph(self, model: keras.Model) -> keras.Model:
        # A model made anew from the same tensors is not compiled, whatever the given one is.
        plain, inputs = as_functional(model), self._inputs(model)
        given = None if inputs is None else keras.tree.pack_sequence_as(plain.input, inputs)
        return keras.models.clone_model(
            plain, input_tensors=given, clone_function=self._standing_for, call_function=_call
        )

    def _standing_for(self, operation: Any) -> Replacement:
        if id(operation) not in self._made:
            self._made[id(operation)] = self._make(operation)
        return self._made[id(operation)]

    def _make(self, operation: Any) -> Replacement:
        is_layer = isinstance(operation, keras.layers.Layer)
        if _is_graph(operation):
            return self._graph(operation)
        replacement = self._replace(operation) if is_layer or self._operations else None
        if replacement is not None:
            return replacement
        if not is_layer:
            return operation.__class__.from_config(operation.get_config())
        copied = clone(operation)
        if not copied.built:
            self._unbuilt.append((operation, copied))
        return copied


def _call(replacement: Replacement, *args: Any, **kwargs: Any) -> Any:
    return replacement(*args, **kwargs)


def _from_config(layer: keras.layers.Layer) -> keras.layers.Layer:
    if isinstance(layer, _WITHOUT_COPY):
        return layer
    try:
        return layer.__class__.from_config(weight_paths.unbuilt(layer.get_config()))
    except Exception as error:  # whatever the constructor of somebody's layer raises
        raise ConfigError(
            f"Layer `{layer.name}` ({type(layer).__name__}) cannot be made from its configuration: {error} "
            "Give the class a `get_config` that returns the arguments of its constructor."
        ) from error


def _is_graph(layer: keras.layers.Layer) -> bool:
    return isinstance(layer, (keras.Sequential, _functional_class()))


def _functional_class() -> type:
    """Returns the class of functional models, which Keras does not export."""
    scalar = keras.Input(())
    return type(keras.Model(scalar, scalar))
