"""What a run was made of, written beside its checkpoints so that it can be explained and made again."""

import importlib.metadata
import json
import pathlib
import platform
from collections.abc import Sequence
from typing import Any

from source.config.settings import to_mapping

_PACKAGES = ("espalier", "tensorflow", "keras", "numpy")


def describe_parts(parts: dict[str, Any], callbacks: Sequence[Any]) -> dict[str, Any]:
    """Returns the module and the settings of every part of an application, as plain values.

    Args:
        parts: inputter, modeler and runner by the name of their room.
        callbacks: the callbacks in their order.
    """
    described = {room: _describe(part) for room, part in parts.items()}
    return {**described, "callbacks": [_describe(callback) for callback in callbacks]}


def write_run_record(folder: pathlib.Path, parts: dict[str, Any], callbacks: Sequence[Any]) -> None:
    """Writes `run.json`: versions, and the module and settings of every part.

    Args:
        folder: the folder of the run.
        parts: inputter, modeler and runner by the name of their room.
        callbacks: the callbacks in their order.
    """
    record = {"versions": _versions(), **describe_parts(parts, callbacks)}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(json.dumps(record, indent=2) + "\n")


def _describe(part: Any) -> dict[str, Any]:
    config = getattr(part, "config", None)
    return {"module": type(part).__module__, "config": {} if config is None else to_mapping(config)}


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "not installed as a package"
    return versions
