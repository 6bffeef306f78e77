"""Where a module stands, told without running a line of it or of the packages around it."""

import contextlib
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Sequence

Spec = importlib.machinery.ModuleSpec


def module_spec(dotted: str) -> Spec | None:
    """Returns the spec of a module that can be imported; None if there is none of this name.

    `importlib.util.find_spec` imports the packages around a module; this only looks for their folders.

    Args:
        dotted: name of the module.
    """
    first, *rest = dotted.split(".")
    if not all(part.isidentifier() for part in (first, *rest)):
        return None
    try:
        spec = importlib.util.find_spec(first)
    except (ImportError, ValueError):  # such as `__main__`, which has none
        return None
    name, folders = first, _folders(spec)
    for part in rest:
        name = f"{name}.{part}"
        spec = _spec(name, folders)
        folders = _folders(spec) or [path for each in folders if os.path.isdir(path := os.path.join(each, part))]
        if spec is None and not folders:
            return None
    return spec


def _spec(name: str, folders: Sequence[str]) -> Spec | None:
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        # A package without `__init__.py` inside another one asks for the latter, which is not loaded.
        with contextlib.suppress(KeyError):
            if find is not None and (found := find(name, folders, None)) is not None:
                return found
    return None


def _folders(spec: Spec | None) -> list[str]:
    return [] if spec is None else list(spec.submodule_search_locations or ())
