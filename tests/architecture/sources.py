"""The sources as the architecture tests see them: modules by name, parsed, with what they import."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# From the ground up; a room imports only rooms above it in this list.
ROOMS = (
    "config",
    "numeric",
    "sparsity",
    "layer",
    "graph",
    "surgery",
    "compressor",
    "augmenter",
    "inputter",
    "network",
    "modeler",
    "callback",
    "runner",
    "exporter",
    "search",
    "command",
)


@cache
def modules() -> dict[str, ast.Module]:
    """Returns every module of `source` and `espalier` by its dotted name, parsed."""
    files = [file for package in ("source", "espalier") for file in sorted((ROOT / package).rglob("*.py"))]
    return {dotted(file): ast.parse(file.read_text(encoding="utf-8"), str(file)) for file in files}


def dotted(file: Path) -> str:
    """Returns the name under which `file` is imported."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str | None:
    """Returns the room that a module of `source` stands in; None for `source` itself and for others."""
    parts = module.split(".")
    return parts[1] if parts[0] == "source" and len(parts) > 1 else None


def imports(module: str) -> set[str]:
    """Returns the dotted names that a module imports anywhere, functions and type checking included.

    `from source.config import errors` counts as `source.config.errors`, `from source.config.errors import
    DataError` as `source.config.errors`.
    """
    found: set[str] = set()
    for node in ast.walk(modules()[module]):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in modules() else node.module)
    return found
