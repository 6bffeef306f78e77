"""Names that stay: layers that Keras named by a process-wide counter are numbered per model instead."""

import re
from collections import Counter

import keras


def named(model: keras.Model) -> keras.Model:
    """Returns the model with every automatically named layer renamed `<kind>_<number>`, numbers from 1.

    Keras counts such layers over the whole process, so the second model built has other names than the first
    and its weights could not be found by name. Layers with names of their own keep them. Weights are carried
    over.

    Args:
        model: a functional model without nested models.

    Returns:
        `model` itself when all its names are right, otherwise a new model on the same inputs.
    """
    names = _lasting_names(model)
    if all(before == after for before, after in names.items()):
        return model
    clone = keras.models.clone_model(
        model, input_tensors=model.inputs[0], clone_function=lambda layer: _renamed(layer, names)
    )
    for layer in model.layers:
        carry_over(layer, clone.get_layer(names[layer.name]))
    return clone


def carry_over(source: keras.Layer, target: keras.Layer) -> None:
    """Copies variables the way a file would, so that a layer which derives values from them does so again.

    Args:
        source: a built layer.
        target: a built layer with the same variables.
    """
    if source.weights:
        store: dict[str, object] = {}
        source.save_own_variables(store)
        target.load_own_variables({key: keras.ops.convert_to_numpy(value) for key, value in store.items()})


def _lasting_names(model: keras.Model) -> dict[str, str]:
    """Returns the new name of every layer by its present one."""
    kinds = {layer.name: _automatic_kind(layer) for layer in model.layers}
    given = {name for name, kind in kinds.items() if kind is None}
    counts: Counter[str] = Counter()
    names = {}
    for name, kind in kinds.items():
        if kind is None:
            names[name] = name
            continue
        counts[kind] += 1
        while f"{kind}_{counts[kind]}" in given:
            counts[kind] += 1
        names[name] = f"{kind}_{counts[kind]}"
    return names


def _automatic_kind(layer: keras.Layer) -> str | None:
    """Returns the snake-case class name if the layer's name is that and perhaps a number, otherwise None."""
    if isinstance(layer, keras.layers.InputLayer):
        return None
    kind = re.sub(r"\W+", "", type(layer).__name__)
    kind = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", kind)
    kind = re.sub(r"([a-z])([A-Z])", r"\1_\2", kind).lower()
    return kind if re.fullmatch(rf"{kind}(_\d+)?", layer.name) else None


def _renamed(layer: keras.Operation, names: dict[str, str]) -> keras.Operation:
    if not isinstance(layer, keras.Layer):
        return layer  # a bare operation such as `x + 3` holds nothing, so both models can have it
    return type(layer).from_config({**layer.get_config(), "name": names[layer.name]})
