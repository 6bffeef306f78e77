"""Refuses an architecture that names anything but layers and their parts, before Keras makes anything of it."""

import importlib
import inspect
from collections.abc import Mapping
from typing import Any

import keras

from source.config.errors import DataError

_VALUES = {"__keras_tensor__", "__tensor__", "__numpy__", "__ellipsis__", "__bytes__"}
# They run code or read files that their configuration names.
_REFUSED = {"Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "__lambda__", "__typespec__"}
_PARTS = (
    keras.Operation,
    keras.Initializer,
    keras.regularizers.Regularizer,
    keras.constraints.Constraint,
    keras.DTypePolicy,
    keras.dtype_policies.DTypePolicyMap,
)
_HOMES = ("keras.", "source.layer.")
_FUNCTION_HOMES = ("keras.activations.", "keras.src.activations.", "keras.ops.", "keras.src.ops.")


def check(value: Any, custom_objects: Mapping[str, Any], name: str) -> None:
    """Refuses an architecture that would run code of its own.

    Args:
        value: the architecture, or a part of it.
        custom_objects: classes and functions that the caller trusts, by name.
        name: of the file, for messages.

    Raises:
        DataError: naming what is refused, and the remedy.
    """
    if isinstance(value, list):
        for each in value:
            check(each, custom_objects, name)
    elif isinstance(value, dict):
        if "class_name" in value:
            _check_class(value, custom_objects, name)
        if isinstance(value.get("vocabulary"), str):
            raise DataError(f"{name}: a layer would read the file {value['vocabulary']!r}. Give it a list of words.")
        for each in value.values():
            check(each, custom_objects, name)


def _check_class(value: dict[str, Any], custom_objects: Mapping[str, Any], name: str) -> None:
    kind, module, registered = value["class_name"], value.get("module"), value.get("registered_name")
    if not isinstance(kind, str) or not isinstance(registered, (str, type(None))):
        raise DataError(f"{name}: a class must have a name. Received: {kind!r}. The file is broken.")
    if kind in _REFUSED:
        raise DataError(f"{name}: `{kind}` can run code or read files, so it is not loaded from a file.")
    known = value.get("config") if kind in ("function", "builtin") else kind
    if kind in _VALUES or (isinstance(known, str) and known in custom_objects):
        return
    found = keras.saving.get_registered_object(registered) if registered else None
    homes = _HOMES if known is kind else _FUNCTION_HOMES
    if found is None and isinstance(module, str) and f"{module}.".startswith(homes):
        found = _member(module, known)
    trusted = found is not None and (kind == "function") == inspect.isfunction(found)
    if not trusted or (inspect.isclass(found) and not issubclass(found, _PARTS)):
        raise DataError(
            f"{name}: `{module}.{known}` is no layer of Keras or Espalier, and loading runs no other code. If it is "
            f"yours, give it: custom_objects={{{str(known)!r}: {known}}}."
        )


def _member(module: str, name: Any) -> Any:
    """Returns what a module of Keras or of our layers calls so; None if there is no such thing."""
    try:
        return getattr(importlib.import_module(module), name, None)
    except (ImportError, TypeError, ValueError):
        return None
