"""Scalars of TensorBoard runs: event files found below folders, and their points by step."""

import dataclasses
import fnmatch
import pathlib
from collections.abc import Collection, Iterable, Sequence

from source.command.record.event_file import Restart, read_event_file
from source.config.errors import DataError
from source.config.nearest import did_you_mean

_MARK = "tfevents"  # in the name of every event file


@dataclasses.dataclass(frozen=True)
class Series:
    """One scalar of one run.

    Attributes:
        run: name of the run.
        tag: name of the scalar.
        points: values by step.
    """

    run: str
    tag: str
    points: dict[int, float]

    @property
    def name(self) -> str:
        """Run and tag, `<run>:<tag>`."""
        return f"{self.run}:{self.tag}"


def read_runs(places: Sequence[pathlib.Path]) -> tuple[list[Series], list[str]]:
    """Returns the scalars of all runs, sorted by name, and what is wrong with files, a line each.

    The files of one folder are one run, read in the order of their names, as TensorBoard reads them.

    Args:
        places: event files, and folders with such files in them or below.

    Raises:
        DataError: for a place that does not exist or without event files.
    """
    folders: dict[tuple[str, pathlib.Path], list[pathlib.Path]] = {}
    for place in places:
        for file in _files(place):
            folders.setdefault((_label(place, file.parent, len(places) == 1), file.parent), []).append(file)
    labels = [label for label, _ in folders]
    series: list[Series] = []
    faults: list[str] = []
    for (label, folder), files in folders.items():
        run = label if labels.count(label) == 1 else folder.as_posix()
        by_tag, wrong = _read_run(sorted(set(files)))
        series += [Series(run, tag, points) for tag, points in by_tag.items()]
        faults += wrong
    return sorted(series, key=lambda each: each.name), faults


def chosen(series: Sequence[Series], patterns: Iterable[str]) -> list[Series]:
    """Returns the scalars whose tag, or run and tag, matches one of the patterns.

    Args:
        series: to choose from.
        patterns: such as `loss`, `*accuracy`, `validation:*`; none chooses all.

    Raises:
        DataError: for a pattern that matches nothing; the nearest tags are offered.
    """
    patterns = list(patterns)
    for pattern in patterns:
        if not any(_matches(each, pattern) for each in series):
            raise DataError(f"no scalar matches `{pattern}`. {did_you_mean(pattern, {each.tag for each in series})}")
    return [each for each in series if not patterns or any(_matches(each, pattern) for pattern in patterns)]


def table(
    series: Sequence[Series], steps: Collection[int] = (), newest_first: bool = False
) -> tuple[list[str], list[list[str]]]:
    """Returns columns and rows: a row for each step of any scalar, a column for each scalar.

    Args:
        series: the scalars.
        steps: rows to keep; none keeps all.
        newest_first: steps fall from row to row.

    Returns:
        `step` and the names of the scalars; cells, empty where a scalar has no point.

    Raises:
        DataError: for a step at which no scalar has a point.
    """
    every = sorted({step for each in series for step in each.points}, reverse=newest_first)
    for step in steps:
        if step not in every:
            raise DataError(f"steps: no scalar has a point at step {step}. The last one is at {max(every)}.")
    kept = [step for step in every if not steps or step in steps]
    rows = [[str(step), *(_cell(each.points.get(step)) for each in series)] for step in kept]
    return ["step", *(each.name for each in series)], rows


def _matches(series: Series, pattern: str) -> bool:
    return fnmatch.fnmatchcase(series.tag, pattern) or fnmatch.fnmatchcase(series.name, pattern)


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.17g}" if value != float(f"{value:.9g}") else f"{value:.9g}"


def _files(place: pathlib.Path) -> list[pathlib.Path]:
    if not place.exists():
        raise DataError(f"{place}: there is no such file or folder.")
    if place.is_file():
        return [place]
    files = sorted(file for file in place.rglob(f"*{_MARK}*") if file.is_file())
    if not files:
        raise DataError(
            f"{place}: expected event files (*{_MARK}*) here or below. Train with the callbacks `train_summary` and "
            "`eval_summary`."
        )
    return files


def _label(place: pathlib.Path, folder: pathlib.Path, alone: bool) -> str:
    """Returns the name of a run: its folder, seen from the place that was named; `tensorboard` says nothing."""
    base = place if place.is_dir() else folder
    below = [part for part in folder.relative_to(base).parts if part != "tensorboard"]
    return "/".join(below if alone and below else [base.resolve().name, *below])


def _read_run(files: Sequence[pathlib.Path]) -> tuple[dict[str, dict[int, float]], list[str]]:
    """Returns the points of each scalar; what a restart writes anew replaces what was written before it."""
    by_tag: dict[str, dict[int, float]] = {}
    faults = []
    for file in files:
        read = read_event_file(file)
        for entry in read.entries:
            if isinstance(entry, Restart):
                by_tag = {tag: _before(points, entry.step) for tag, points in by_tag.items()}
            else:
                by_tag.setdefault(entry.tag, {})[entry.step] = entry.value
        faults += [read.fault] if read.fault else []
    return {tag: points for tag, points in by_tag.items() if points}, faults


def _before(points: dict[int, float], step: int) -> dict[int, float]:
    return {each: value for each, value in points.items() if each < step}
