"""`espalier runs [FOLDER]`: the runs in a folder, one in a line: what they are, how far they came, what came out."""

import argparse
import dataclasses
import json
import math
import os
import pathlib
import sys
import time
from collections.abc import Callable
from typing import Any

from source.command.parser import Parser
from source.command.record.run_folder import find_runs, read_run
from source.command.record.run_summary import RunSummary, smaller_is_better, summarize
from source.command.record.table import to_text
from source.config.errors import DataError
from source.exporter.page.sizes import size_text

_TIMES = ((86400, "d"), (3600, "h"), (60, "min"))
SUMMARY = "list runs with their state and results"


def _by_best(run: RunSummary) -> float:
    if run.best is None:
        return math.inf
    return run.best if smaller_is_better(run.metric) else -run.best


_ORDERS: dict[str, Callable[[RunSummary], Any]] = {
    "age": lambda run: -run.changed,
    "best": _by_best,
    "id": lambda run: run.id,
    "size": lambda run: -run.bytes,
    "state": lambda run: (run.state, run.id),
}


def add_arguments(parser: Parser) -> None:
    """Declares what may follow `espalier runs`.

    Args:
        parser: the parser of this command.
    """
    parser.add_argument("folder", metavar="FOLDER", nargs="?", help="default: the variable OUTPUT_DIR, or runs")
    parser.add_argument("--sort", choices=tuple(_ORDERS), default="age", help="default: age, the newest first")
    parser.add_argument("--metric", metavar="NAME", help="of `best` and `last`; default: accuracy, else what there is")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Prints the table and returns the exit code 0; what could not be read is told on standard error.

    Args:
        arguments: `folder`, `sort`, `metric`, `json`.

    Raises:
        DataError: if the folder is not there, and for a metric that no run has.
    """
    folder = pathlib.Path(arguments.folder or os.environ.get("OUTPUT_DIR") or "runs")
    if not folder.is_dir():
        raise DataError(f"{folder}: there is no such folder. Name one: `espalier runs FOLDER`.")
    runs = [summarize(read_run(path, run_id), arguments.metric) for run_id, path in find_runs(folder)]
    if arguments.metric and runs and not any(each.metric for each in runs):
        raise DataError(f"--metric: no run has `{arguments.metric}`.")
    runs.sort(key=_ORDERS[arguments.sort])
    if arguments.json:
        print(json.dumps([dataclasses.asdict(each) for each in runs], indent=2))
        return 0
    for fault in (fault for each in runs for fault in each.faults):
        print(f"espalier: {fault}", file=sys.stderr)
    print(_text(runs) if runs else f"{folder}: there are no runs here.\n", end="")
    return 0


def _text(runs: list[RunSummary]) -> str:
    """Returns the table without columns that say nothing."""
    rows = [_row(each, time.time()) for each in runs]
    columns = [name for name in rows[0] if any(row[name] for row in rows)]
    names = sum(name in ("run", "name", "network", "data", "compressor", "state", "metric") for name in columns)
    return to_text(columns, [[row[name] or "-" for name in columns] for row in rows], left=names)


def _row(run: RunSummary, now: float) -> dict[str, str]:
    return {
        "run": run.id,
        "name": run.name if run.name not in (run.id, run.network) else "",
        "network": run.network,
        "data": run.data,
        "compressor": run.compressor,
        "state": run.state_text,
        "metric": f"{run.metric} in training" if run.kind == "train" else run.metric,
        "best": _number(run.best),
        "last": _number(run.last),
        "size": size_text(run.bytes),
        "age": _age_text(now - run.changed),
    }


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _age_text(seconds: float) -> str:
    """Returns a time in its largest unit: "12 s", "5 min", "3 h", "2 d"."""
    for length, unit in _TIMES:
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{int(max(0.0, seconds))} s"
