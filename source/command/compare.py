"""`espalier compare FILE FILE...`: bytes, accuracy, agreement and latency of exported files, side by side.

Every file is opened and run: .keras, .tflite, .onnx, .esp, .npz, the folder of a SavedModel. Latency is measured in
turns. The first file is what the others are compared with.
"""

import argparse
import zipfile
from pathlib import Path
from typing import Any

from source.command.latency import begin_with_threads, check_files
from source.command.parser import Parser, UsageError
from source.command.profile import write
from source.config.errors import DataError

SUMMARY = "compare exported files: bytes, accuracy, latency"
COMPUTES = True


def add_arguments(parser: Parser) -> None:
    """Declares what may follow `espalier compare`.

    Args:
        parser: the parser of this command.
    """
    parser.add_argument("files", metavar="FILE", nargs="+", help="exported files; the first is the baseline")
    parser.add_argument("--data", metavar="FILE", help=".npz with inputs `x` and, for accuracy, labels `y`")
    parser.add_argument("--examples", type=int, help="of random numbers, without --data (16), or the first of --data")
    parser.add_argument("--runs", type=int, default=50, help="of each file, that are timed; default: 50")
    parser.add_argument("--warm_up", type=int, default=5, help="runs before these; default: 5")
    parser.add_argument("--batch", type=int, default=1, help="examples in a timed run; default: 1")
    parser.add_argument("--threads", type=int, help="processor threads; default: what the runtime takes")
    parser.add_argument("--html", metavar="OUT", help="write a page with plots")
    parser.add_argument("--json", metavar="OUT", help="write all numbers, the single runs too")
    parser.add_argument("--markdown", metavar="OUT", help="write the table as Markdown")


def run(arguments: argparse.Namespace) -> int:
    """Prints the table, writes what was asked for, and returns the exit code 0.

    Args:
        arguments: `files`, `data`, `examples`, `runs`, `warm_up`, `batch`, `threads`, `html`, `json`, `markdown`.

    Raises:
        UsageError: for a single file, and a place that cannot be written to.
        ConfigError: for counts that cannot be.
        DataError: for a file that is missing or cannot be run, and for data that it does not take.
    """
    if len(arguments.files) < 2:
        raise UsageError("expected two files at least. See `espalier compare --help`.")
    if arguments.examples is not None and arguments.examples < 1:
        raise UsageError(f"--examples: expected at least 1. Received: {arguments.examples}.")
    check_files([*arguments.files, *([arguments.data] if arguments.data else [])])
    begin_with_threads(arguments.threads)
    from source.exporter.comparison import compare

    inputs, labels = _data(arguments.data, arguments.examples) if arguments.data else (None, None)
    compared = compare(
        arguments.files,
        inputs,
        labels,
        examples=arguments.examples or 16,
        rounds=arguments.runs,
        warm_up=arguments.warm_up,
        batch=arguments.batch,
        threads=arguments.threads,
    )
    print(compared.to_text(), end="")
    texts = {"html": compared.to_html, "json": compared.to_json, "markdown": compared.to_markdown}
    for option, text in texts.items():
        if place := getattr(arguments, option):
            write(place, text(), f"--{option}")
    return 0


def _data(path: str, examples: int | None) -> tuple[Any, Any]:
    """Returns inputs and labels of a file; None for labels that are not in it."""
    import numpy as np

    try:
        with Path(path).open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            arrays = {} if isinstance(loaded, np.ndarray) else {name: loaded[name] for name in loaded.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: expected a .npz file of numbers. {str(error).partition(chr(10))[0]}") from error
    if "x" not in arrays:
        raise DataError(f"{path}: expected an array `x` of inputs. Received: {', '.join(arrays) or 'no names'}.")
    labels = arrays.get("y")
    return arrays["x"][:examples], None if labels is None else labels[:examples]
