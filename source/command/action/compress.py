"""Compresses: trains with the compressor of the recipe, finishes, exports, compares; and goes on where it was stopped.

It is `train export compare` with a compressor that has to be there, and steps that are done are not done again: start
the same command once more after Ctrl-C, a power cut or a kill, and it goes on from the newest checkpoint, exports what
is missing, and compares what has not been compared. When nothing is left to do, it says so.

`pretrained_model=FILE` or `baseline=RUN` is what the result is compared with. The folder of the run then holds
`finished.keras`, `export/`, `compare/` and `report.html`.
"""

import json

from source.command.action import compare, train
from source.command.action._exported import export, exported, outdated
from source.command.action._model import newest_checkpoint
from source.command.action._page import refresh
from source.command.action._rivals import FOLDER
from source.command.run_safety import claim, refuse_another
from source.command.session import Session
from source.config.errors import ConfigError

SUMMARY = "train with a compressor, export and compare; goes on where it was stopped"
_FINISHED = "finished.keras"


def run(session: Session) -> None:
    """Does what is left to do.

    Args:
        session: of the command line.

    Raises:
        ConfigError: for a recipe without a compressor, and for training that ended before anything was compressed.
    """
    if "compressor" not in session.parts.names:
        raise ConfigError(
            "compress: the recipe names no compressor. Add a file that does, such as compress/dns.yaml, or "
            "compressor=NAME; `espalier list compressor` shows all."
        )
    refuse_another(session)  # before TensorFlow loads
    session.runner  # noqa: B018 - what is wrong in the recipe is told before there is a folder
    claim(session)
    done = [_trained(session), _exported(session), _compared(session)]
    if not any(done):
        print(f"{session.folder}: nothing is left to do. Results are in {session.folder / FOLDER}.")
    else:
        refresh(session.folder, say=True)


def _trained(session: Session) -> bool:
    """Trains unless that is done; returns whether it did."""
    if _is_finished(session):
        return False
    train.run(session)
    if not (session.folder / _FINISHED).is_file():
        raise ConfigError(
            f"compress: training ended and there is no {session.folder / _FINISHED}. Its last lines say why; perhaps "
            "the callback `compression` has save_finished=false."
        )
    return True


def _is_finished(session: Session) -> bool:
    """Returns whether training came to its end, as the run itself has written down."""
    try:
        outcome = json.loads((session.folder / "outcome.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    ended = isinstance(outcome, dict) and outcome.get("state") == "finished"
    if not (ended and (session.folder / _FINISHED).is_file() and newest_checkpoint(session.folder)):
        return False
    with session.located_errors():
        return bool(outcome.get("max_step") == session.runner.last_step())


def _exported(session: Session) -> bool:
    names = outdated(session)
    if names:
        export(session, names)
    return bool(names)


def _compared(session: Session) -> bool:
    """Compares unless the comparison is newer than all that it is of; returns whether it did."""
    written = session.folder / FOLDER / "comparison.json"
    sources = [session.folder / _FINISHED, *(each.path for each in exported(session.folder))]
    if written.is_file() and all(path.stat().st_mtime_ns <= written.stat().st_mtime_ns for path in sources):
        return False
    compare.run(session)
    return True
