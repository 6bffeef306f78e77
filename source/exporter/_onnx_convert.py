"""From a Keras model to an ONNX graph by tf2onnx, in silence."""

import contextlib
import importlib
import logging
import os
import pathlib
import re
import sys
import tempfile
import warnings
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from source.config.errors import ConfigError, MissingDependencyError

_INPUT = "model_input_"


def package(name: str) -> Any:
    """Returns a package that the export needs.

    Args:
        name: of the package.

    Raises:
        MissingDependencyError: if it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"onnx: needs the package `{name}`, which is not installed. Install it: pip install 'espalier[export]'"
        ) from error


def converted(model: keras.Model, opset: int) -> Any:
    """Returns an `onnx.ModelProto` whose inputs and outputs are in the order of the model's.

    Args:
        model: with lists of inputs and outputs.
        opset: version of the operators.

    Raises:
        ConfigError: if the converter gives up.
        MissingDependencyError: without onnx or tf2onnx.
    """
    onnx = package("onnx")
    package("tf2onnx")
    specs = [
        keras.InputSpec(shape=each.shape, dtype=each.dtype, name=f"{_INPUT}{index}")
        for index, each in enumerate(model.inputs)
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model.onnx"
        with _quiet():
            try:
                _in_inference(model).export(
                    str(path), format="onnx", verbose=False, opset_version=opset, input_signature=[specs]
                )
            except Exception as error:  # whatever the tracing or the converter raises
                raise ConfigError(
                    f"onnx: model `{model.name}` cannot be converted: {type(error).__name__}: {error}"
                ) from error
        proto = onnx.load(str(path))
    _sort(proto.graph.input)
    _sort(proto.graph.output)
    return proto


def _in_inference(model: keras.Model) -> keras.Model:
    """Returns a model that calls another in inference, which layers of augmentation have to be told."""
    inputs = [keras.Input(batch_shape=each.shape, dtype=each.dtype) for each in model.inputs]
    return keras.Model(inputs, model(inputs, training=False), name=model.name)


def _sort(values: Any) -> None:
    """Puts the values of a graph in the order of the numbers that the converter has given their names."""
    ordered = sorted(values, key=lambda each: _number(each.name))
    copies = [type(each).FromString(each.SerializeToString()) for each in ordered]
    del values[:]
    values.extend(copies)


def _number(name: str) -> int:
    """Returns 2 of `Identity_2:0` and `model_input_2`, 0 of `Identity:0`."""
    found = re.fullmatch(r"\D*?_?(\d*)(?::\d+)?", name)
    return int(found[1] or 0) if found else sys.maxsize


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps what TensorFlow, Keras and tf2onnx print, log and patch to themselves."""
    logger = logging.getLogger("tf2onnx")
    level, patched = logger.level, "object" in vars(np)
    logger.setLevel(logging.CRITICAL + 1)
    sys.stderr.flush()
    with warnings.catch_warnings(), open(os.devnull, "wb") as nowhere:
        warnings.simplefilter("ignore")
        kept = os.dup(2)
        os.dup2(nowhere.fileno(), 2)  # messages of C++ go past `sys.stderr`
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            logger.setLevel(level)
            if not patched and "object" in vars(np):
                del np.object  # type: ignore[attr-defined]
