"""`espalier profile MODEL`: parameters, sizes, operations and bytes of a Keras model, layer by layer."""

import argparse
from pathlib import Path
from typing import Any

from source.command.latency import check_files
from source.command.parser import Parser, UsageError
from source.command.quiet import import_quietly
from source.config.errors import DataError

SUMMARY = "show what each layer of a model costs"


def add_arguments(parser: Parser) -> None:
    """Declares what may follow `espalier profile`.

    Args:
        parser: the parser of this command.
    """
    parser.add_argument("model", metavar="MODEL", help="a .keras or .esp file")
    parser.add_argument("--format", choices=("markdown", "csv", "json"), default="markdown", help="default: markdown")
    parser.add_argument("--bits", type=int, default=8, help="of kernels in the column of a quantized size; default: 8")
    parser.add_argument("--input_shape", metavar="HxWxC", help="of one example, where the model leaves lengths free")
    parser.add_argument("--output", metavar="FILE", help="write there instead of printing")


def run(arguments: argparse.Namespace) -> int:
    """Prints or writes the profile and returns the exit code 0.

    Args:
        arguments: `model`, `format`, `bits`, `input_shape`, `output`.

    Raises:
        UsageError: for a shape that is none, and a place that cannot be written to.
        ConfigError: for a width that cannot be, and a model that cannot be looked at.
        DataError: for a file that is missing, or no Keras model.
    """
    check_files([arguments.model])
    shapes = None if arguments.input_shape is None else [_shape(arguments.input_shape)]
    import_quietly("tensorflow")
    from source.exporter.cost_profile import profile

    made = profile(keras_model(arguments.model), arguments.bits, shapes)
    text = {"markdown": made.to_markdown, "csv": made.to_csv, "json": made.to_json}[arguments.format]()
    if arguments.output:
        write(arguments.output, text, "--output")
    else:
        print(text, end="")
    return 0


def write(path: str, text: str, option: str) -> None:
    """Writes a text and says where.

    Args:
        path: of the file.
        text: all of it.
        option: that named the file, for the message.

    Raises:
        UsageError: if it cannot be written.
    """
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{option}: {path} cannot be written: {error.strerror}.") from error
    print(f"wrote {path}")


def keras_model(path: str) -> Any:
    """Returns the Keras model of a file.

    Args:
        path: of a .keras or .esp file.

    Raises:
        DataError: for a file that is missing, or holds none.
    """
    import keras

    from source.exporter.artefact.open_artefact import open_artefact

    model = getattr(open_artefact(path), "model", None)
    if not isinstance(model, keras.Model):
        raise DataError(f"{path}: expected a file that holds a Keras model, .keras or .esp.")
    return model


def _shape(text: str) -> tuple[int, ...]:
    lengths = text.split("x")
    if not all(length.isdecimal() and int(length) > 0 for length in lengths):
        raise UsageError(f"--input_shape: expected lengths such as 224x224x3. Received: {text}.")
    return tuple(int(length) for length in lengths)
