"""Writes what was measured to `metrics.jsonl` and `metrics.csv`, a record for each window and evaluation."""

import csv
import io
import json
import math
import pathlib
from collections.abc import Mapping
from typing import Any

from source.callback import _folder, _scalars, callback, schedule
from source.config import settings
from source.config.config import CallbackConfig

Config = CallbackConfig

_FIRST_COLUMNS = ("kind", "step", "epoch")


def build(config: CallbackConfig) -> callback.Callback:
    """Returns the callback that logs metrics into the folder of the run.

    A record holds `kind` ("train" or "evaluate"), `step`, `epoch`, then for training `first_step` of the
    window, the scalars of the window, `seconds` and `examples_per_second`; for evaluations their metrics.
    What is not a finite number is null in JSON and empty in CSV. Columns of the CSV file stand in the order
    in which they first appeared.

    Args:
        config: `log_every_n_iter` is read.
    """
    return _MetricsLog(settings.adopt(Config, config))


class _MetricsLog(callback.Callback):
    """The JSON lines are the truth; the table follows from them, anew whenever a column is added."""

    def __init__(self, config: CallbackConfig) -> None:
        super().__init__(config)
        self._lines = pathlib.Path()
        self._table = pathlib.Path()
        self._columns: list[str] = []

    @property
    def schedule(self) -> schedule.Schedule:
        return schedule.FirstOf((schedule.EverySteps(self.config.log_every_n_iter), schedule.AtEnd()))

    def before_run(self, run: callback.Run) -> None:
        """Drops what a run wrote behind the checkpoint it goes on from, and a line that a kill cut off."""
        folder = _folder.folder_of(run, "metrics_log")
        self._lines, self._table = folder / "metrics.jsonl", folder / "metrics.csv"
        records = [record for record in _read(self._lines) if record["step"] <= run.progress.step]
        _folder.replace_text(self._lines, "".join(_as_line(record) for record in records))
        self._rewrite_table(records)

    def after_step(self, run: callback.Run, window: callback.Window) -> Mapping[str, str] | None:
        measured = {"first_step": window.first_step, **_scalars.of_window(window), "seconds": window.seconds}
        self._append("train", run, {**measured, **_scalars.speed_of(window)})
        return None

    def after_evaluate(self, run: callback.Run, metrics: Mapping[str, float]) -> Mapping[str, str] | None:
        self._append("evaluate", run, metrics)
        return None

    def _append(self, kind: str, run: callback.Run, measured: Mapping[str, float]) -> None:
        progress = run.progress
        finite = {name: value if math.isfinite(value) else None for name, value in measured.items()}
        record = {"kind": kind, "step": progress.step, "epoch": round(progress.epoch, 6), **finite}
        with open(self._lines, "a", encoding="utf-8") as file:
            file.write(_as_line(record))
        if set(record) <= set(self._columns):
            with open(self._table, "a", encoding="utf-8", newline="") as file:
                file.write(_as_rows([record], self._columns))
        else:
            self._rewrite_table(_read(self._lines))

    def _rewrite_table(self, records: list[dict[str, Any]]) -> None:
        self._columns = list(dict.fromkeys((*_FIRST_COLUMNS, *(name for record in records for name in record))))
        _folder.replace_text(
            self._table,
            _as_rows([dict(zip(self._columns, self._columns, strict=True)), *records], self._columns),
        )


def _read(path: pathlib.Path) -> list[dict[str, Any]]:
    """The records of a file, up to the first line that is cut off."""
    records: list[dict[str, Any]] = []
    if not path.exists():
        return records
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            records.append(json.loads(line))
        except ValueError:
            break
    return records


def _as_line(record: Mapping[str, Any]) -> str:
    return json.dumps(record, allow_nan=False) + "\n"


def _as_rows(records: list[dict[str, Any]], columns: list[str]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writerows(records)
    return text.getvalue()
