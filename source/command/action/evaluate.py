"""Evaluates the newest checkpoint on all evaluation data, each example once, and prints the metrics.

They are written to `evaluate/step-<n>.json` in the folder of the run, too.
"""

import json

from source.command.action._page import refresh
from source.command.session import Session

SUMMARY = "evaluate the newest checkpoint on all evaluation data"


def run(session: Session) -> None:
    """Evaluates.

    Args:
        session: of the command line.
    """
    with session.located_errors():
        result = session.runner.evaluate()
    folder = session.folder / "evaluate"
    folder.mkdir(parents=True, exist_ok=True)
    found = {"step": result.step, **result.metrics}
    (folder / f"step-{result.step}.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    refresh(session.folder)
