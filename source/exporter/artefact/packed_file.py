"""A packed file (`.esp`), loaded as a plain Keras model."""

import json
import os
import pathlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from source.config.errors import DataError
from source.exporter import container
from source.exporter.artefact import _trusted
from source.exporter.artefact.keras_file import KerasModel
from source.exporter.container.packed import PackedFile

# What Keras and TensorFlow raise for a configuration that cannot be.
_MISTAKES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
    tf.errors.OpError,
)


class Packed(KerasModel):
    """The model of a packed file, in inference, as one graph."""

    kind = "packed"


def open_file(path: pathlib.Path, threads: int | None) -> Packed:
    """Returns the model of a file, ready to be run.

    Args:
        path: of an `.esp` file.
        threads: not used: TensorFlow's threads are those of the process.
    """
    return Packed(path, load_packed(path))


def load_packed(path: str | os.PathLike[str], custom_objects: Mapping[str, Any] | None = None) -> keras.Model:
    """Returns the model of a packed file: plain, not compiled, its weights equal to those written, bit for bit.

    Loading runs no code that the file brings: the architecture may name layers of Keras and of Espalier, those that you
    have registered with Keras, and those that you give.

    Args:
        path: of an `.esp` file.
        custom_objects: classes and functions of your own that the model needs, by name.

    Raises:
        DataError: for a file that is missing, broken, names what is not trusted, or does not fit itself.
    """
    file = container.read(pathlib.Path(path))
    given = dict(custom_objects or {})
    try:
        _trusted.check(file.architecture, given, str(path))
    except RecursionError as error:
        raise DataError(f"{path}: the architecture is nested too deep. The file is broken.") from error
    # In a graph nothing is allocated: a file cannot ask for more weights than it holds.
    with tf.Graph().as_default():
        order_of(_built(file, given), file)
    model = _built(file, given)
    for variable, index in zip(stored_variables(model), order_of(model, file), strict=True):
        variable.assign(file.array(index))
    _finalize(model)
    return model


def stored_variables(model: keras.Model) -> list[keras.Variable]:
    """Returns what a file holds of a model: weights, statistics and random states, and no metrics.

    Args:
        model: built.
    """
    metrics = {id(each) for each in model.metrics_variables}
    return [each for each in model.variables if id(each) not in metrics]


def stored_names(variables: Sequence[keras.Variable]) -> list[str]:
    """Returns a name for each variable, all different, that do not depend on what else was built in this process.

    Args:
        variables: of a model.
    """
    names: list[str] = []
    for each in variables:
        # Keras counts the random states of a process: `seed_generator_7/seed_generator_state`.
        plain = name = re.sub(r"seed_generator_\d+/", "seed_generator/", each.path)
        again = 1
        while name in names:
            again += 1
            name = f"{plain}#{again}"
        names.append(name)
    return names


def order_of(model: keras.Model, file: PackedFile) -> list[int]:
    """Returns for each variable of a model which tensor of a file it is: by name, or by place where names differ.

    Args:
        model: built from the file's architecture.
        file: open.

    Raises:
        DataError: if shapes or dtypes differ.
    """
    variables = stored_variables(model)
    names = stored_names(variables)
    places = {each.path: index for index, each in enumerate(file.weights)}
    order = [places[name] for name in names] if sorted(names) == sorted(places) else list(range(len(places)))
    found = [(tuple(each.shape), keras.backend.standardize_dtype(each.dtype)) for each in variables]
    wanted = [(file.weights[index].shape, file.weights[index].dtype) for index in order]
    if found != wanted:
        wrong = next((pair for pair in zip(names, found, wanted, strict=False) if pair[1] != pair[2]), None)
        what = f"`{wrong[0]}` is {wrong[1]} where the file has {wrong[2]}" if wrong else "their number differs"
        raise DataError(
            f"{file.path}: {len(wanted)} tensors do not fit the {len(found)} of its architecture: {what}. The file is "
            "broken, or a layer of yours builds other weights than before."
        )
    return order


def same_bits(model: keras.Model, file: PackedFile) -> list[str]:
    """Returns the names of the tensors whose bits differ between a model and a file; none if all is well.

    Args:
        model: that was written.
        file: open.
    """
    different = []
    for index, variable in enumerate(stored_variables(model)):
        written = as_array(variable)
        found = file.patterns(index)
        same = found.shape == written.shape and found.tobytes() == written.tobytes()
        different += [] if same else [variable.path]
    return different


def as_array(variable: keras.Variable) -> np.ndarray:
    """Returns the numbers of a variable, in C order.

    Args:
        variable: of a model.
    """
    return np.array(keras.ops.convert_to_numpy(variable), order="C")


def _finalize(model: keras.layers.Layer) -> None:
    """Lets layers take over what they compute from their weights once."""
    if isinstance(model, keras.layers.Normalization):
        model.finalize_state()
    for layer in getattr(model, "layers", ()):
        _finalize(layer)


def _built(file: PackedFile, custom_objects: dict[str, Any]) -> keras.Model:
    """Returns the model with weights of its own choice."""
    config = json.loads(json.dumps(file.architecture))  # Keras changes what it is given
    try:
        config.pop("compile_config", None)
        model = keras.saving.deserialize_keras_object(config, custom_objects=custom_objects, safe_mode=True)
    except _MISTAKES as error:
        first = str(error).rpartition("Exception encountered: ")[2].strip().partition("\n")[0][:200]
        raise DataError(
            f"{file.path}: Keras cannot build the architecture ({type(error).__name__}: {first}). The file is broken, "
            "or a class of yours is missing: give it as `custom_objects`."
        ) from error
    if not isinstance(model, keras.Model):
        raise DataError(f"{file.path}: the architecture is no model. The file is broken.")
    return model
