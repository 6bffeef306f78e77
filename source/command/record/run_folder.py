"""The folder of a run: found below other folders, and read as far as it was written."""

import dataclasses
import json
import os
import pathlib
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

MARKS = ("run.json", "outcome.json", "recipe.yaml", "metrics.jsonl")  # one of them makes a folder a run's
_INSIDE = frozenset({"checkpoints", "tensorboard", "evaluate", "eval", "export", "infer"})  # folders of a run
_DEPTH = 5


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """What a run has left.

    Attributes:
        id: the folder as seen from the one that was looked at.
        path: of the folder.
        settings: of `run.json`: versions, and modules and settings of the parts; empty if not there.
        recipe: of `recipe.yaml`; empty if not there.
        outcome: of `outcome.json`; empty if not there.
        records: of `metrics.jsonl`, in their order.
        compression: of `compression.json`; empty if not there.
        bytes: of all files in the folder and below.
        changed: when the newest of these was last written, in seconds since 1970.
        faults: what could not be read, a line each.
    """

    id: str
    path: pathlib.Path
    settings: dict[str, Any]
    recipe: dict[str, Any]
    outcome: dict[str, Any]
    records: list[dict[str, Any]]
    compression: dict[str, Any]
    bytes: int
    changed: float
    faults: tuple[str, ...] = ()

    @property
    def checkpoint_step(self) -> int:
        """The step of the newest checkpoint; 0 without any."""
        names = _names(self.path / "checkpoints")
        steps = [int(found[1]) for name in names if (found := re.fullmatch(r"checkpoint-(\d+)\.npz", name))]
        return max(steps, default=0)

    def part(self, room: str) -> dict[str, Any]:
        """Returns the settings of a part as `run.json` has them.

        Args:
            room: such as "modeler".
        """
        return mapping(mapping(self.settings.get(room)).get("config"))


def is_run(folder: pathlib.Path) -> bool:
    """Returns whether a folder is one that a run wrote, perhaps not to its end.

    Args:
        folder: any path.
    """
    return any((folder / name).is_file() for name in MARKS) or (folder / "checkpoints").is_dir()


def find_runs(folder: pathlib.Path) -> list[tuple[str, pathlib.Path]]:
    """Returns id and path of all runs in a folder and up to five folders below, sorted by id.

    The folders of a run itself, such as `checkpoints`, are not looked into, nor hidden ones and links.

    Args:
        folder: a run, or a folder of runs.
    """
    own = [(folder.resolve().name, folder)] if is_run(folder) else []
    return [*own, *sorted(_below(folder, folder, _DEPTH))]


def read_run(path: pathlib.Path, run_id: str | None = None) -> RunFolder:
    """Returns what a run has left; what is missing is empty, what is damaged is told in `faults`.

    Args:
        path: of the folder.
        run_id: what to call it; default: the folder's name.
    """
    faults: list[str] = []
    size, changed = _size_and_time(path)
    return RunFolder(
        id=run_id or path.resolve().name,
        path=path,
        settings=_read(path / "run.json", json.loads, faults),
        recipe=_read(path / "recipe.yaml", _yaml, faults),
        outcome=_read(path / "outcome.json", json.loads, faults),
        records=_records(path / "metrics.jsonl", faults),
        compression=_read(path / "compression.json", json.loads, faults),
        bytes=size,
        changed=changed,
        faults=tuple(faults),
    )


def mapping(value: Any) -> dict[str, Any]:
    """Returns a value that was read from a file if it is a mapping, and an empty one otherwise.

    Args:
        value: anything.
    """
    return value if isinstance(value, dict) else {}


def _below(folder: pathlib.Path, base: pathlib.Path, depth: int) -> Iterator[tuple[str, pathlib.Path]]:
    for name in _names(folder):
        place = folder / name
        if name.startswith(".") or name in _INSIDE or place.is_symlink() or not place.is_dir():
            continue
        if is_run(place):
            yield place.relative_to(base).as_posix(), place
        if depth > 1:
            yield from _below(place, base, depth - 1)


def _names(folder: pathlib.Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:  # not there, not ours to read, or taken away just now
        return []


def _read(path: pathlib.Path, parse: Callable[[str], Any], faults: list[str]) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        faults.append(f"{path}: cannot be read: {error}")
        return {}
    try:
        value = parse(text)
    except (ValueError, RecursionError) as error:
        faults.append(f"{path}: is damaged: {str(error).partition(chr(10))[0]}")
        return {}
    if not isinstance(value, dict):
        faults.append(f"{path}: expected a mapping. Received: {type(value).__name__}.")
    return mapping(value)


def _yaml(text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error


def _records(path: pathlib.Path, faults: list[str]) -> list[dict[str, Any]]:
    """Returns the records of a file; a line that a kill has cut off is told and left out."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        faults.append(f"{path}: cannot be read: {error}")
        return []
    records = []
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            record = None
        if isinstance(record, dict) and isinstance(record.get("step"), int):
            records.append(record)
        else:
            faults.append(f"{path}, line {number}: is no record of metrics.")
    return records


def _size_and_time(path: pathlib.Path) -> tuple[int, float]:
    """Returns the bytes of all files, and when the newest was written; files may vanish meanwhile."""
    size, changed = 0, 0.0
    for folder, _, names in os.walk(path):
        for name in names:
            try:
                found = os.lstat(os.path.join(folder, name))
            except OSError:
                continue
            size, changed = size + found.st_size, max(changed, found.st_mtime)
    return size, changed or _modified(path)


def _modified(path: pathlib.Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return time.time()
