"""The files of a run that are compared and timed: the model before, the model after, and all that was exported."""

import dataclasses
import tempfile
from pathlib import Path
from typing import Any

from source.command.action._exported import exported
from source.command.action._model import looked_at, without_compressor
from source.command.record.run_folder import is_run
from source.command.session import Session
from source.config.errors import ConfigError, DataError

FOLDER = "compare"
_FINISHED = "finished.keras"
# A header of C is no file that can be opened here, and a run's SavedModel takes pictures before preprocessing.
_LEFT_OUT = {"c_array": "is source of C", "saved_model": "takes pictures before preprocessing"}


@dataclasses.dataclass(frozen=True)
class Rivals:
    """Files of one task.

    Attributes:
        files: the baseline first.
        own: that of them which is the run's model.
        exported: those of them which exporters wrote.
        left_out: names of what else was exported, and why it is none of them.
    """

    files: list[Path]
    own: Path
    exported: list[Path]
    left_out: dict[str, str]


def rivals(session: Session) -> Rivals:
    """Returns the files of a run.

    Args:
        session: of the command line.

    Raises:
        EspalierError: for a baseline that is neither file nor run, and for a run without weights.
    """
    found = exported(session.folder)
    left_out = {str(each.path): _LEFT_OUT[each.exporter] for each in found if each.exporter in _LEFT_OUT}
    others = [each.path for each in found if each.exporter not in _LEFT_OUT]
    earlier, own = _before(session), _after(session)
    return Rivals([*earlier, own, *others], own, others, left_out)


def _after(session: Session) -> Path:
    """Returns the file of the run's model: `finished.keras`, or without a compressor one that is written now.

    Args:
        session: of the command line.
    """
    finished = session.folder / _FINISHED
    if "compressor" in session.parts.names and finished.is_file():
        return finished
    with looked_at(session) as seen:
        return _saved(seen.model, session.folder / FOLDER / "trained.keras")


def _before(session: Session) -> list[Path]:
    """Returns the file of the model that was compressed, if the recipe names one.

    Args:
        session: of the command line.
    """
    given = session.setting("baseline")
    if given is not None:
        return [_baseline(Path(str(given)).expanduser(), session)]
    if session.setting("pretrained_model") is None or "compressor" not in session.parts.names:
        return []
    with tempfile.TemporaryDirectory() as empty:  # in the folder of the run there are checkpoints of another model
        plain = without_compressor(session)
        plain.run_folder = Path(empty)
        with looked_at(plain) as seen:
            return [_saved(seen.model, session.folder / FOLDER / "before.keras")]


def _baseline(path: Path, session: Session) -> Path:
    if not path.exists():
        raise DataError(f"baseline: there is no {path}. Name a file, or the folder of a run.")
    if path.is_file() or (path / "saved_model.pb").is_file():
        return path
    if not is_run(path):
        raise DataError(f"baseline: {path} is no run. Name a file, or the folder of a run.")
    if (path / _FINISHED).is_file():
        return path / _FINISHED
    if not (path / "recipe.yaml").is_file():
        raise ConfigError(f"baseline: {path} has neither {_FINISHED} nor recipe.yaml. Name a .keras file.")
    other = Session()
    other.add_file(str(path / "recipe.yaml"))
    other.run_folder = path
    with looked_at(other) as seen:
        return _saved(seen.model, session.folder / FOLDER / "before.keras")


def _saved(model: Any, path: Path) -> Path:
    """Writes a model under another name first, and returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_name(f"{path.stem}.tmp{path.suffix}")
    model.save(written)
    written.replace(path)
    return path
