"""Files of one task side by side: bytes, accuracy, agreement and latency, each found on the file itself."""

import dataclasses
import io
import json
import os
import pathlib
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from rich.console import Console
from rich.table import Table

from source.config.errors import ConfigError, DataError
from source.exporter._comparison_page import Shown, ShownFile, page
from source.exporter._deflated import zipped_bytes
from source.exporter.artefact.artefact import Artefact
from source.exporter.artefact.open_artefact import open_artefact
from source.exporter.latency import Clock, Latency, alternate
from source.exporter.verification import as_examples, made_examples
from source.graph.cost import cost

_EVALUATED_AT_ONCE = 128
_WIDTH = 200  # of a table as text: long file names are not broken


@dataclasses.dataclass(frozen=True)
class ComparedFile:
    """One file.

    Attributes:
        name: of the file, with its folder where two have the same.
        path: of the file.
        kind: what it is, such as "LiteRT".
        bytes: on disk.
        zipped_bytes: after deflate at its highest level.
        accuracy: share of examples whose largest output is at the index of their label; None without labels.
        agreement: share of examples whose largest output is where the baseline's is; None where outputs are no scores.
        parameters: numbers that were trained; None where no Keras model is known.
        sparsity: share of zeros in kernels; None as above.
        macs: products for one example; None as above.
        latency: single runs.
        latency_ratio: median over that of the baseline.
    """

    name: str
    path: pathlib.Path
    kind: str
    bytes: int
    zipped_bytes: int
    accuracy: float | None
    agreement: float | None
    parameters: int | None
    sparsity: float | None
    macs: int | None
    latency: Latency
    latency_ratio: float

    @property
    def p50_ms(self) -> float:
        """Median of single runs, in milliseconds."""
        return self.latency.network.p50_ms


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Several files, compared with one of them.

    Attributes:
        rows: one a file.
        baseline: place of the file that the others are compared with.
        examples: inputs that accuracy and agreement were found on.
        real_examples: whether they were given, not made of random numbers.
    """

    rows: tuple[ComparedFile, ...]
    baseline: int
    examples: int
    real_examples: bool

    @property
    def remark(self) -> str:
        """What the numbers were found on, in one line."""
        what = "examples" if self.real_examples else "examples of random numbers"
        return f"Each file was run on {self.examples:,} {what}. The baseline is {self.rows[self.baseline].name}."

    @property
    def runs_remark(self) -> str:
        """How latency was found, in one line."""
        latency = self.rows[self.baseline].latency
        threads = {None: "threads as the runtime chooses", 1: "1 thread"}.get(
            latency.threads, f"{latency.threads} threads"
        )
        runs, batch = len(latency.network.seconds), latency.network.batch
        return f"{runs} runs of each file in turns, batch {batch}, {threads}, on {latency.machine}."

    def cells(self) -> tuple[list[str], list[list[str]]]:
        """Returns the names of the columns that say something, and the cells of each row."""
        rows = [self._row(row) for row in self.rows]
        told = [name for name in rows[0] if any(row[name] for row in rows)]
        return told, [[row[name] or "-" for name in told] for row in rows]

    def to_text(self) -> str:
        """Returns the table for a terminal."""
        columns, rows = self.cells()
        table = Table(box=None, pad_edge=False, header_style="bold")
        for place, column in enumerate(columns):
            table.add_column(column, justify="left" if place < 2 else "right", no_wrap=True)
        for cells in rows:
            table.add_row(*cells)
        text = io.StringIO()
        Console(file=text, width=_WIDTH, color_system=None).print(table)
        lines = [line.rstrip() for line in text.getvalue().splitlines()]
        return "\n".join([*lines, "", self.remark, self.runs_remark]) + "\n"

    def to_markdown(self) -> str:
        """Returns the table as Markdown."""
        columns, rows = self.cells()
        marks = [":--" if place < 2 else "--:" for place in range(len(columns))]
        lines = ["| " + " | ".join(cells) + " |" for cells in (columns, marks, *rows)]
        return "\n".join([*lines, "", self.remark, self.runs_remark]) + "\n"

    def to_dict(self) -> dict[str, Any]:
        """Returns everything as plain values that JSON can hold, single runs too."""
        rows = [
            {
                **{field.name: getattr(row, field.name) for field in dataclasses.fields(row)},
                "path": str(row.path),
                "latency": row.latency.to_dict(),
                "p50_ms": row.p50_ms,
            }
            for row in self.rows
        ]
        return {
            "baseline": self.baseline,
            "examples": self.examples,
            "real_examples": self.real_examples,
            "files": rows,
        }

    def to_json(self) -> str:
        """Returns `to_dict` as text."""
        return json.dumps(self.to_dict(), indent=2) + "\n"

    def to_html(self, title: str = "Comparison of exported files") -> str:
        """Returns the table and plots of bytes, accuracy and latency as one page that needs nothing else.

        Args:
            title: of the page.
        """
        columns, cells = self.cells()
        files = [
            ShownFile(
                name=row.name,
                bytes=row.bytes,
                zipped_bytes=row.zipped_bytes,
                accuracy=row.accuracy,
                agreement=row.agreement,
                milliseconds=[1000.0 * each for each in row.latency.network.seconds],
                median=row.p50_ms,
            )
            for row in self.rows
        ]
        return page(Shown(title, self.remark, self.runs_remark, columns, cells, self.baseline, files))

    def _row(self, row: ComparedFile) -> dict[str, str]:
        base = self.rows[self.baseline]
        return {
            "file": row.name,
            "kind": row.kind,
            "bytes": f"{row.bytes:,}",
            "times smaller": f"{base.bytes / max(1, row.bytes):.2f}",
            "zipped bytes": f"{row.zipped_bytes:,}",
            "accuracy": "" if row.accuracy is None else f"{row.accuracy:.2%}",
            "agreement": "" if row.agreement is None else f"{row.agreement:.2%}",
            "p50 ms": f"{row.p50_ms:.4f}",
            "latency ratio": f"{row.latency_ratio:.3f}",
            "parameters": "" if row.parameters is None else f"{row.parameters:,}",
            "sparsity": "" if row.sparsity is None else f"{row.sparsity:.2%}",
            "MACs": "" if row.macs is None else f"{row.macs:,}",
        }


def compare(
    files: Sequence[Artefact | str | os.PathLike[str]],
    inputs: Any = None,
    labels: Any = None,
    baseline: int = 0,
    *,
    examples: int = 16,
    models: Mapping[str, keras.Model] | None = None,
    rounds: int = 50,
    warm_up: int = 5,
    batch: int = 1,
    threads: int | None = None,
    clock: Clock = time.perf_counter,
) -> Comparison:
    """Returns files side by side, each opened and run.

    Args:
        files: paths, or files that are open already.
        inputs: of the Keras model: an array (b, ...), or a list of one an input. None takes random numbers.
        labels: of the inputs: indices (b,), or shares of classes (b, classes). None leaves accuracy out.
        baseline: place of the file that the others are compared with.
        examples: of random numbers, where no inputs are given.
        models: Keras models by file name, for what a file itself does not say: parameters, sparsity, MACs.
        rounds: runs of each file that are timed, in turns.
        warm_up: rounds before these.
        batch: examples in a timed run.
        threads: processor threads to open files with; None leaves it to the runtime.
        clock: returns seconds.

    Raises:
        ConfigError: for a baseline that is none of the files.
        DataError: for a file that cannot be opened or does not take the inputs, and for labels that are not theirs.
    """
    if not 0 <= baseline < len(files):
        raise ConfigError(f"`baseline` must be in [0, {len(files) - 1}]. Received: baseline={baseline}.")
    opened = [each if isinstance(each, Artefact) else open_artefact(each, threads) for each in files]
    arrays = made_examples(opened[baseline].input_specs, examples) if inputs is None else as_examples(inputs)
    truth = _classes(labels, len(arrays[0]))
    answers = [_answers(artefact, arrays) for artefact in opened]
    timed = alternate(opened, arrays, rounds=rounds, warm_up=warm_up, batch=batch, threads=threads, clock=clock)
    names = _names([artefact.path for artefact in opened])
    rows = [
        ComparedFile(
            name=name,
            path=artefact.path,
            kind=artefact.kind,
            bytes=artefact.bytes,
            zipped_bytes=zipped_bytes(artefact.path),
            accuracy=_share(answer, truth),
            agreement=_share(answer, answers[baseline]),
            latency=latency,
            latency_ratio=latency.network.p50_ms / max(timed[baseline].network.p50_ms, 1e-9),
            **_counted((models or {}).get(artefact.path.name) or getattr(artefact, "model", None)),
        )
        for name, artefact, answer, latency in zip(names, opened, answers, timed, strict=True)
    ]
    return Comparison(tuple(rows), baseline, len(arrays[0]), inputs is not None)


def _classes(labels: Any, examples: int) -> np.ndarray | None:
    if labels is None:
        return None
    given = np.asarray(labels)
    if given.ndim == 2 and given.shape[1] > 1:
        given = given.argmax(-1)
    given = given.reshape(-1)
    if len(given) != examples:
        raise DataError(f"labels: expected one for each of {examples} inputs. Received: {len(given)}.")
    return given


def _answers(artefact: Artefact, inputs: Sequence[np.ndarray]) -> np.ndarray | None:
    """Returns the index of the largest score of each example; None where the first output is no row of scores."""
    found = []
    for part, count in _parts(artefact, inputs):
        scores = np.asarray(artefact.run(part)[0])[:count]
        if scores.ndim != 2 or scores.shape[1] < 2:
            return None
        found.append(scores.argmax(-1))
    return np.concatenate(found)


def _parts(artefact: Artefact, inputs: Sequence[np.ndarray]) -> Iterator[tuple[list[np.ndarray], int]]:
    """Yields the inputs in batches that the file takes, and how many of each are no filling."""
    fixed = artefact.input_specs[0][0][0] if artefact.input_specs[0][0] else None
    size = fixed or _EVALUATED_AT_ONCE
    for start in range(0, len(inputs[0]), size):
        part = [each[start : start + size] for each in inputs]
        count = len(part[0])
        if fixed and count < fixed:
            part = [np.concatenate([each, np.repeat(each[-1:], fixed - count, axis=0)]) for each in part]
        yield part, count


def _share(found: np.ndarray | None, expected: np.ndarray | None) -> float | None:
    return None if found is None or expected is None else float(np.mean(found == expected))


def _counted(model: Any) -> dict[str, Any]:
    """Returns what a Keras model says of a file; nothing for one whose layers cannot be told apart."""
    nothing: dict[str, Any] = {"parameters": None, "sparsity": None, "macs": None}
    if not isinstance(model, keras.Model):
        return nothing
    try:
        found = cost(model)
    except ConfigError:
        return nothing
    macs = None if found.unknown else found.total("macs")
    return {"parameters": found.total("parameters"), "sparsity": found.sparsity, "macs": macs}


def _names(paths: Sequence[pathlib.Path]) -> list[str]:
    """Returns file names, with their folders where two are the same."""
    names = [path.name for path in paths]
    longer = [path.name if names.count(path.name) == 1 else "/".join(path.parts[-2:]) for path in paths]
    return [name if longer.count(name) == 1 else str(path) for name, path in zip(longer, paths, strict=True)]
