"""What the source of a module says of its classes and types, read without running a line of it."""

import ast
from functools import cache
from pathlib import Path
from typing import Any, Literal

from source.config import config
from source.config.module_spec import module_spec

_PACKAGE = __name__.partition(".")[0]
_KNOWN_TYPES: dict[str, Any] = {
    "int": int,
    "float": float,
    "str": str,
    "bool": bool,
    "None": None,
    "dict": dict,
    "tuple": tuple,
    "list": list,
    **{name: getattr(config, name) for name in ("Names", "Numbers", "PathText", "Paths", "Mappings", "Mode")},
    "Any": Any,
}


@cache
def module_source(dotted: str) -> ast.Module:
    """Returns a module parsed; an empty one where there is no source.

    Args:
        dotted: name of the module.
    """
    spec = module_spec(dotted)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return ast.Module([], [])
    try:
        return ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):  # loading it will say so
        return ast.Module([], [])


def class_in(dotted: str, name: str) -> tuple[str, str] | None:
    """Returns the module and the name of the class that a name of a module means.

    Args:
        dotted: name of the module.
        name: defined or imported there.
    """
    for node in module_source(dotted).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return dotted, name
        if isinstance(node, ast.Assign) and any(
            isinstance(each, ast.Name) and each.id == name for each in node.targets
        ):
            return class_of(dotted, node.value)
    module, _, original = (_imported(dotted, name) or "").rpartition(".")
    return class_in(module, original) if module else None


def class_of(dotted: str, node: ast.expr) -> tuple[str, str] | None:
    """Returns the module and the name of a class that is written `Name` or `module.Name`.

    Args:
        dotted: name of the module where it is written.
        node: what is written.
    """
    if isinstance(node, ast.Name):
        return class_in(dotted, node.id)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        module = _imported(dotted, node.value.id)
        return None if module is None else class_in(module, node.attr)
    return None


def _imported(dotted: str, name: str) -> str | None:
    """Returns what a name of a module means that `from ... import ...` brought in, with its module."""
    for each in module_source(dotted).body:
        if isinstance(each, ast.ImportFrom) and each.module:
            for alias in each.names:
                if (alias.asname or alias.name) == name:
                    return f"{each.module}.{alias.name}"
    return None


def type_text(node: ast.expr) -> str:
    """Returns an annotation as a user would write it.

    Args:
        node: the annotation.
    """
    text = ast.unparse(node)
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Literal":
        return text.removeprefix("Literal[").removesuffix("]").replace(", ", " | ")
    return text


def hint_of(dotted: str, node: ast.expr) -> Any:
    """Returns the type that an annotation means, `Any` where it cannot be told from the source.

    Args:
        dotted: name of the module where it is written.
        node: the annotation.
    """
    if isinstance(node, ast.Constant) and node.value is None:
        return None
    if isinstance(node, ast.Name):
        return _KNOWN_TYPES[node.id] if node.id in _KNOWN_TYPES else _alias(dotted, node.id)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        module = _imported(dotted, node.value.id)
        return Any if module is None else _alias(module, node.attr)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        parts = [hint_of(dotted, each) for each in (node.left, node.right)]
        return Any if Any in parts else parts[0] | parts[1] if parts[0] is not None else parts[1] | None
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Literal":
        try:
            values = ast.literal_eval(node.slice)
        except ValueError:
            return Any
        return Literal[values if isinstance(values, tuple) else (values,)]
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "dict":
        return dict
    return Any


def _alias(dotted: str, name: str) -> Any:
    """Returns the type that a name of a module stands for, such as `Score = Literal["l1", "l2"]`."""
    for each in module_source(dotted).body:
        if isinstance(each, ast.Assign) and any(isinstance(at, ast.Name) and at.id == name for at in each.targets):
            return hint_of(dotted, each.value)
    module, _, original = (_imported(dotted, name) or "").rpartition(".")
    return _alias(module, original) if module.startswith(f"{_PACKAGE}.") else Any
