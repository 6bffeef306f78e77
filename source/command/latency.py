"""`espalier latency FILE...`: how long exported files take on this machine, measured in single runs.

Several files (.keras, .tflite, .onnx, .esp, .npz, the folder of a SavedModel) run in turns, so that what slows the
machine slows all of them; the first is what the others are compared with.
"""

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from source.command.parser import Parser
from source.command.quiet import import_quietly
from source.config.errors import DataError

if TYPE_CHECKING:
    from source.exporter.latency import Latency

SUMMARY = "measure how long exported files take"
COMPUTES = True
_THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


def add_arguments(parser: Parser) -> None:
    """Declares what may follow `espalier latency`.

    Args:
        parser: the parser of this command.
    """
    parser.add_argument("files", metavar="FILE", nargs="+", help="exported files")
    parser.add_argument("--examples", metavar="FILE", help=".npy or .npz of inputs; default: random numbers")
    parser.add_argument("--runs", type=int, default=100, help="of each file, that count; default: 100")
    parser.add_argument("--warm_up", type=int, default=10, help="runs before these; default: 10")
    parser.add_argument("--batch", type=int, default=1, help="examples in a run; default: 1")
    parser.add_argument("--threads", type=int, help="processor threads; default: what the runtime takes")
    parser.add_argument("--json", action="store_true", help="print JSON, the single runs too")


def run(arguments: argparse.Namespace) -> int:
    """Measures, prints a report for each file and the ratios, and returns the exit code 0.

    Args:
        arguments: `files`, `examples`, `runs`, `warm_up`, `batch`, `threads`, `json`.

    Raises:
        ConfigError: for counts that cannot be.
        DataError: for a file that is missing or cannot be run, and for examples that it does not take.
    """
    check_files(arguments.files)
    begin_with_threads(arguments.threads)
    from source.command.array_file import read_arrays
    from source.exporter.artefact.open_artefact import open_artefact
    from source.exporter.latency import alternate

    measured = alternate(
        [open_artefact(file, arguments.threads) for file in arguments.files],
        read_arrays(Path(arguments.examples)) if arguments.examples else None,
        rounds=arguments.runs,
        warm_up=arguments.warm_up,
        batch=arguments.batch,
        threads=arguments.threads,
    )
    print(_json(measured) if arguments.json else to_text(measured), end="")
    return 0


def check_files(files: Sequence[str]) -> None:
    """Refuses names of files that do not exist, before anything heavy is loaded.

    Args:
        files: their paths.

    Raises:
        DataError: for the first that is missing.
    """
    for file in files:
        if not Path(file).exists():
            raise DataError(f"{file}: there is no such file.")


def begin_with_threads(threads: int | None) -> None:
    """Loads TensorFlow, which takes no more threads than given.

    Args:
        threads: at least 1; None leaves it to TensorFlow.

    Raises:
        DataError: for less than 1.
    """
    if threads is not None:
        if threads < 1:
            raise DataError(f"--threads: expected at least 1. Received: {threads}.")
        os.environ.update(dict.fromkeys(_THREADS, str(threads)))  # read when TensorFlow first computes
    import_quietly("tensorflow")


def to_text(measured: "Sequence[Latency]") -> str:
    """Returns a report for each file, and the ratios of their medians to that of the first.

    Args:
        measured: in turns.
    """
    reports = "\n".join(each.to_text() for each in measured)
    if len(measured) == 1:
        return reports
    base = measured[0].network.p50_ms
    ratios = [f"{each.name}: {each.network.p50_ms / base:.4f}" for each in measured]
    return "\n".join([reports, f"p50 over that of {measured[0].name}, runs in turns:", *ratios]) + "\n"


def _json(measured: "Sequence[Latency]") -> str:
    base = measured[0].network.p50_ms
    values = [{**each.to_dict(), "p50_ratio": each.network.p50_ms / base} for each in measured]
    return json.dumps(values, indent=2) + "\n"
