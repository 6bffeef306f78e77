"""Draws the curves of a training run from its metrics.jsonl, as an SVG or PNG picture.

python demo/plot_curves.py runs/cifar10 curves.svg
"""

import argparse
import json
import pathlib
import sys
from collections.abc import Sequence

import matplotlib
from matplotlib.figure import Figure

from source.command.mistakes import report_mistakes
from source.config.errors import DataError

matplotlib.rcParams["svg.hashsalt"] = "espalier"  # the same curves give the same file


def read_records(run: pathlib.Path) -> list[dict[str, float | str]]:
    """Returns the records of a run, one for each line that `metrics_log` wrote."""
    path = run / "metrics.jsonl"
    if not path.is_file():
        raise DataError(f"{path}: there is no such file. Train with the callback `metrics_log`.")
    return [json.loads(line) for line in path.read_text().splitlines()]


def draw(run: pathlib.Path, picture: pathlib.Path) -> None:
    """Draws error and loss, in training and on the evaluation data, over epochs."""
    records = read_records(run)
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    errors, losses = figure.subplots(1, 2)
    for kind, style in (("train", {"alpha": 0.6, "linewidth": 0.8}), ("evaluate", {"marker": "."})):
        chosen = [record for record in records if record["kind"] == kind]
        epochs = [record["epoch"] for record in chosen]
        errors.plot(epochs, [100 * (1 - record["accuracy"]) for record in chosen], label=kind, **style)
        losses.plot(epochs, [record["loss"] for record in chosen], label=kind, **style)
    for axes, name in ((errors, "error, %"), (losses, "loss")):
        axes.set(xlabel="epoch", ylabel=name, yscale="log")
        axes.grid(True, which="both", alpha=0.25)
        axes.legend()
    picture.parent.mkdir(parents=True, exist_ok=True)
    metadata = {"Date": None} if picture.suffix == ".svg" else None
    figure.savefig(picture, metadata=metadata)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=pathlib.Path, help="folder of the run")
    parser.add_argument("picture", type=pathlib.Path, help="file to write, .svg or .png")
    given = parser.parse_args(arguments)
    draw(given.run, given.picture)
    print(f"Wrote {given.picture}.")
    return 0


if __name__ == "__main__":
    sys.exit(report_mistakes("plot_curves.py", main))
