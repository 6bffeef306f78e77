"""Curves of runs: each metric over epochs or steps, several runs in one picture."""

from collections.abc import Sequence
from typing import Any

from source.command.record.run_folder import RunFolder
from source.command.record.run_summary import finite
from source.config.errors import DataError
from source.config.nearest import did_you_mean
from source.exporter.picture.pictures import Pictures

_NOT_DRAWN = frozenset({"kind", "step", "epoch", "first_step", "seconds", "examples"})
_WIDE = 30.0  # largest over least value, from which on an axis is logarithmic
_KINDS: dict[str, dict[str, Any]] = {
    "train": {"alpha": 0.55, "linewidth": 0.9},
    "evaluate": {"marker": ".", "linewidth": 1.6},
}


def draw_curves(runs: Sequence[RunFolder], pictures: Pictures, names: Sequence[str] = ()) -> None:
    """Writes a picture for each metric: training thin, evaluations strong, a colour for each run.

    Args:
        runs: their folders, read.
        pictures: where to.
        names: of metrics; none draws all of them.

    Raises:
        DataError: for runs without metrics, and for a metric that is not there.
    """
    for run in runs:
        if not run.records:
            raise DataError(f"{run.path / 'metrics.jsonl'}: holds no metrics. Train with the callback `metrics_log`.")
    known = list(dict.fromkeys(name for run in runs for record in run.records for name in record))
    known = [name for name in known if name not in _NOT_DRAWN and any(map(bool, _all_values(runs, name)))]
    for name in names:
        if name not in known:
            raise DataError(f"metric `{name}`: there is no such metric. {did_you_mean(name, known)}")
    for name in names or known:
        _draw(runs, name, pictures)


def _draw(runs: Sequence[RunFolder], name: str, pictures: Pictures) -> None:
    figure = pictures.figure(6.4, 3.6)
    axes = figure.subplots()
    for place, run in enumerate(runs):
        for kind, style in _KINDS.items():
            points = _points(run, name, kind)
            if points:
                called = "training" if kind == "train" else "evaluation"
                label = f"{run.id}, {called}" if len(runs) > 1 else called
                axes.plot(*zip(*points, strict=True), color=f"C{place}", label=label, **style)
    values = [value for each in _all_values(runs, name) for value in each]
    if min(values) > 0 and max(values) / min(values) > _WIDE:
        axes.set_yscale("log")
    axes.set(xlabel="step", ylabel=name.replace("_", " "))
    axes.legend(fontsize=8, frameon=False)
    pictures.save(figure, f"curve-{name}")


def _points(run: RunFolder, name: str, kind: str) -> list[tuple[int, float]]:
    found = [(record["step"], finite(record.get(name))) for record in run.records if record.get("kind") == kind]
    return [(step, value) for step, value in found if value is not None]


def _all_values(runs: Sequence[RunFolder], name: str) -> list[list[float]]:
    return [[value for _, value in _points(run, name, kind)] for run in runs for kind in _KINDS]
