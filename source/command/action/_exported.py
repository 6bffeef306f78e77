"""What a run has exported, and whether it still is what the run would export now."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from source.command.action._model import newest_checkpoint
from source.command.record.table import to_text
from source.command.session import Session

_RECORD = "export/exported.json"
_REPORT = ".report.json"


@dataclasses.dataclass(frozen=True)
class Exported:
    """What one exporter wrote.

    Attributes:
        exporter: its name.
        path: of the file or folder.
        options: settings that the recipe gave it alone.
        made_of: file, size and time of the weights.
    """

    exporter: str
    path: Path
    options: dict[str, Any]
    made_of: list[Any]


def wanted(session: Session) -> list[str]:
    """Returns the names of the exporters of a recipe.

    Args:
        session: of the command line.
    """
    return list(session.parts.names["exporters"] or ("saved_model",))  # what a runner has unless told otherwise


def exported(folder: Path) -> list[Exported]:
    """Returns what a run has exported and still has, in the order in which it was done first.

    Args:
        folder: of the run.
    """
    try:
        rows = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        found = [Exported(row["exporter"], folder / row["path"], row["options"], row["made_of"]) for row in rows]
    except (OSError, ValueError, TypeError, KeyError):  # none, or half of one: exporting again mends it
        return []
    return [each for each in found if each.path.exists()]


def outdated(session: Session) -> list[str]:
    """Returns the exporters of a recipe that have not yet written the weights there are, with these settings.

    Args:
        session: of the command line.
    """
    weights = _weights(session)
    current = {each.exporter for each in exported(session.folder) if _is_current(each, session, weights)}
    return [name for name in wanted(session) if name not in current]


def export(session: Session, names: Sequence[str]) -> None:
    """Runs exporters, replaces what they wrote before, and prints every file with its bytes.

    Args:
        session: of the command line.
        names: of the exporters.

    Raises:
        EspalierError: for whatever an exporter refuses; what those before it wrote stays, and is written again.
    """
    weights = _weights(session)
    before = {each.exporter: each for each in exported(session.folder)}
    with session.located_errors():
        result = session.runner.export(names, overwrite=True)
    for name, path in zip(names, result.paths, strict=True):
        before[name] = Exported(name, path, _options(session, name), weights)
    _write(session.folder, list(before.values()))
    print(_table([before[name] for name in names]), end="")


def _is_current(each: Exported, session: Session, weights: list[Any]) -> bool:
    return each.made_of == weights and each.options == _options(session, each.exporter)


def _options(session: Session, name: str) -> dict[str, Any]:
    own = session.parts.own.get(f"exporters.{name}", {})
    return dict(json.loads(json.dumps(dict(own), default=str)))


def _weights(session: Session) -> list[Any]:
    """Returns file, bytes and time of the weights that would be exported now."""
    path = newest_checkpoint(session.folder)
    if path is None and (given := session.setting("pretrained_model")) is not None:
        path = Path(str(given)).expanduser()
    if path is None or not path.exists():
        return []
    found = path.stat()
    return [path.name, found.st_size, found.st_mtime_ns]


def _write(folder: Path, rows: Sequence[Exported]) -> None:
    record = folder / _RECORD
    record.parent.mkdir(parents=True, exist_ok=True)
    values = [{**dataclasses.asdict(row), "path": _below(row.path, folder)} for row in rows]
    written = record.with_name(f"{record.name}.tmp")
    written.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    written.replace(record)


def _below(path: Path, folder: Path) -> str:
    """Returns a path as seen from the folder, so that the folder can be moved; absolute if it lies elsewhere."""
    inside = path.resolve().is_relative_to(folder.resolve())
    return str(path.resolve().relative_to(folder.resolve()) if inside else path.resolve())


def _table(rows: Sequence[Exported]) -> str:
    from source.exporter.artefact.artefact import size_on_disk

    cells = [[row.exporter, str(row.path), f"{size_on_disk(row.path):,}", *_verified(row.path)] for row in rows]
    return to_text(("exporter", "file", "bytes", "differs by", "of at most"), cells, left=2)


def _verified(path: Path) -> list[str]:
    """Returns the difference from the model and what is accepted, as the file's report has it."""
    try:
        report = json.loads(path.with_name(f"{path.name}{_REPORT}").read_text(encoding="utf-8"))
        relative = max((each["relative"] for each in report["outputs"]), default=0.0)
        return [f"{relative:.2e}", f"{report['tolerance']:.2e}"]
    except (OSError, ValueError, TypeError, KeyError):  # of an exporter that compares nothing
        return ["", ""]
