"""What a run was made of, written beside its checkpoints so that it can be explained and made again."""

import contextlib
import json
import os
import pathlib
import platform
import subprocess
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import source
from source.config.errors import ConfigError
from source.config.settings import to_mapping

_SECONDS = 5.0  # that git may take for an answer


def describe_parts(parts: dict[str, Any], callbacks: Sequence[Any]) -> dict[str, Any]:
    """Returns the module and the settings of every part of an application, as plain values.

    Args:
        parts: inputter, modeler, runner and perhaps compressor by the name of their room.
        callbacks: the callbacks in their order.
    """
    described = {room: _describe(part) for room, part in parts.items()}
    return {**described, "callbacks": [_describe(callback) for callback in callbacks]}


def write_run_record(folder: pathlib.Path, parts: dict[str, Any], callbacks: Sequence[Any]) -> None:
    """Writes `run.json`: versions, the state of git, and the module and settings of every part.

    Args:
        folder: the folder of the run.
        parts: inputter, modeler and runner by the name of their room.
        callbacks: the callbacks in their order.

    Raises:
        ConfigError: if the folder cannot be made or written.
    """
    record = {"versions": _versions(), **sources(), **describe_parts(parts, callbacks)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "run.json").write_text(json.dumps(record, indent=2) + "\n")
    except OSError as error:
        raise ConfigError(f"model_dir: {folder} cannot be written: {error.strerror}.") from error


def sources() -> dict[str, Any]:
    """Returns, as `git`, the commit of the repository around the working directory and whether it was changed since.

    Without a repository, or without git, nothing.
    """
    commit = _git("rev-parse", "HEAD")
    if not commit:
        return {}
    status = _git("status", "--porcelain", "--untracked-files=no")
    return {"git": {"commit": commit, "dirty": None if status is None else bool(status)}}


def _git(*words: str) -> str | None:
    """Returns what git says; None if it says nothing in time, or is not there."""
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    with contextlib.suppress(OSError, subprocess.SubprocessError, UnicodeDecodeError):
        found = subprocess.run(["git", *words], capture_output=True, timeout=_SECONDS, env=environment, check=False)
        return found.stdout.decode().strip() if found.returncode == 0 else None
    return None


def _describe(part: Any) -> dict[str, Any]:
    config = getattr(part, "config", None)
    made_by = type(part) if config is None else type(config)
    return {
        "class": f"{type(part).__module__}.{type(part).__qualname__}",
        "module": made_by.__module__,
        "config": {} if config is None else to_mapping(config),
    }


def _versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "espalier": source.__version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
    }
