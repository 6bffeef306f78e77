"""Measures how long the run's model and every exported file take for one example, in turns.

The first is the model before compression, where the recipe names one (`baseline=FILE_OR_RUN`, `pretrained_model`), or
else the run's own; the others are compared with it. `timed_runs=N` says how often each file runs, 50 times if nothing
is said. `espalier latency FILE...` does the same for any files, with more options.
"""

import json

from source.command.action._rivals import FOLDER, rivals
from source.command.action.compare import TIMED_RUNS, count
from source.command.latency import to_text
from source.command.session import Session

SUMMARY = "measure how long the model and every exported file take"
_WARM_UP = 10


def run(session: Session) -> None:
    """Measures, prints a report for each file and writes the single runs to `compare/latency.json`.

    Args:
        session: of the command line.

    Raises:
        ConfigError: for a count that cannot be.
    """
    runs = count(session, "timed_runs") or TIMED_RUNS
    found = rivals(session)
    from source.exporter.artefact.open_artefact import open_artefact
    from source.exporter.latency import alternate

    measured = alternate([open_artefact(path) for path in found.files], rounds=runs, warm_up=_WARM_UP)
    print(to_text(measured), end="")
    folder = session.folder / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    values = [each.to_dict() for each in measured]
    (folder / "latency.json").write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    print(f"wrote {folder / 'latency.json'}")
