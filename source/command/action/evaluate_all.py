"""Evaluates every checkpoint of the run on all evaluation data and writes `evaluate/all.csv`.

The columns are step, epoch and the metrics in the order of their names; the table is printed, too. A run keeps its
newest checkpoint alone unless `keep_checkpoint_max` says otherwise: give it before training, together with
`save_checkpoints_steps`.
"""

import re
from collections.abc import Sequence

from source.command.action._page import refresh
from source.command.record.table import to_csv, to_text
from source.command.session import Session
from source.config.errors import CheckpointError

SUMMARY = "evaluate every checkpoint of the run, as a table"
_NAME = re.compile(r"checkpoint-(\d+)\.npz")
_EXACT, _SHORT = 9, 5  # significant digits; nine tell any two float32 apart
_OF_THE_PASS = ("examples", "seconds")  # they say nothing of the model


def run(session: Session) -> None:
    """Evaluates.

    Args:
        session: of the command line.

    Raises:
        CheckpointError: if there is none.
    """
    checkpoints = session.folder / "checkpoints"
    steps = sorted(int(found[1]) for path in checkpoints.glob("*") if (found := _NAME.fullmatch(path.name)))
    if not steps:
        raise CheckpointError(f"{checkpoints}: there is no checkpoint to evaluate. Train first.")
    with session.located_errors():
        runner = session.runner
        results = [runner.evaluate(step) for step in steps]
        per_epoch = runner.inputter.steps_per_epoch(runner.replicas)
    names = sorted(set(results[0].metrics) - set(_OF_THE_PASS))
    columns = ["step", "epoch", *names]
    values = [[result.step / per_epoch, *(result.metrics[name] for name in names)] for result in results]
    path = session.folder / "evaluate" / "all.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(to_csv(columns, _rows(steps, values, _EXACT)), encoding="utf-8")
    print(to_text(columns, _rows(steps, values, _SHORT), left=0), end="")
    print(f"wrote {path}")
    refresh(session.folder)


def _rows(steps: Sequence[int], values: Sequence[Sequence[float]], digits: int) -> list[list[str]]:
    return [[str(step), *(f"{value:.{digits}g}" for value in row)] for step, row in zip(steps, values, strict=True)]
