"""Reads a model that has layers of ours from its file."""

import importlib
import os
import pkgutil
from collections.abc import Mapping
from typing import Any

import keras

from source.config.errors import ConfigError


def load_model(
    path: str | os.PathLike[str], custom_objects: Mapping[str, Any] | None = None, compile: bool = True
) -> keras.Model:
    """Returns the model of a `.keras` file, prepared by a compressor, finished, or neither.

    Safe mode is on: a file cannot bring code with it. A prepared model is taken up again by `compressor.attach`.

    Args:
        path: the file.
        custom_objects: classes and functions of your own that the model needs, by name.
        compile: whether to compile it as it was when it was saved.

    Raises:
        ConfigError: for a file that is missing, is no model, or needs a class that is not known.
    """
    for module in pkgutil.walk_packages(importlib.import_module(__package__).__path__, f"{__package__}."):
        importlib.import_module(module.name)  # tells Keras its classes
    file = os.fspath(path)
    if not os.path.isfile(file):
        raise ConfigError(f"{file}: there is no such file.")
    try:
        return keras.saving.load_model(file, custom_objects=dict(custom_objects or {}), compile=compile, safe_mode=True)
    except (TypeError, ValueError, KeyError, OSError) as error:
        raise ConfigError(
            f"{file}: this model cannot be read: {_first_sentence(error)} It must be a file that `model.save` wrote; "
            "give your own classes as `custom_objects`."
        ) from error


def _first_sentence(error: Exception) -> str:
    """Returns what is wrong, without the configuration of the whole model that Keras may quote before and after it."""
    text = str(error).rpartition("Exception encountered: ")[2].strip().partition("\n")[0]
    return f"{text.partition('. ')[0].rstrip('.')}."
