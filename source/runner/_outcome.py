"""How training went, written beside its checkpoints while it runs and when it ends."""

import contextlib
import datetime
import json
import os
import pathlib
import socket
from collections.abc import Iterator

from source.runner._run import ActiveRun

_FILE = "outcome.json"


@contextlib.contextmanager
def recorded_outcome(run: ActiveRun) -> Iterator[None]:
    """Writes `outcome.json`: `state`, `step`, `max_step`, `reason`, when and by which process.

    The state is "running" until the block ends, then "finished", "stopped" (by a signal) or "failed". A process that is
    killed leaves "running", with its host and number.

    Args:
        run: that trains in the block. Nothing is written without a folder, or in a dry run.
    """
    folder = None if run.config.dry_run else run.model_dir
    if folder is None:
        yield
        return
    started = _now()
    _write(folder, run, "running", None, started)
    try:
        yield
    except Exception as error:
        _write(folder, run, "failed", " ".join(f"{type(error).__name__}: {error}".split()), started)
        raise
    except BaseException as error:  # a second Ctrl-C
        _write(folder, run, "stopped", type(error).__name__, started)
        raise
    _write(folder, run, "stopped" if run.interrupted else "finished", run.interrupted or run.stop_reason, started)


def _write(folder: pathlib.Path, run: ActiveRun, state: str, reason: str | None, started: str) -> None:
    values = {
        "state": state,
        "step": run.step,
        "max_step": run.max_step,
        "reason": reason,
        "started": started,
        "changed": _now(),
        "process": {"host": socket.gethostname(), "pid": os.getpid()},
    }
    with contextlib.suppress(OSError):  # a full disk ends the run by its checkpoint, with a message of its own
        written = folder / f"{_FILE}.tmp"
        written.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
        written.replace(folder / _FILE)


def _now() -> str:
    return datetime.datetime.now().astimezone().isoformat(timespec="seconds")
