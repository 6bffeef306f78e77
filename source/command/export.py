"""`espalier export MODEL.keras OUT`: writes a model as a file of another kind and verifies the file.

The suffix of OUT says what it becomes: .tflite, .onnx, .esp, .h, .npz; a folder without a suffix becomes a SavedModel.
Settings of the exporter are flags, --name=value; `espalier help exporter.NAME` lists them.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from source.command.flags import parse_flags
from source.command.parser import Parser
from source.command.quiet import import_quietly
from source.config.errors import DataError
from source.exporter.suffixes import exporter_name

SUMMARY = "write a model as .tflite, .onnx, .esp, ... and verify the file"
COMPUTES = True
TAKES_SETTINGS = True


def add_arguments(parser: Parser) -> None:
    """Declares what may follow `espalier export`.

    Args:
        parser: the parser of this command.
    """
    parser.add_argument("model", metavar="MODEL", help="a .keras file")
    parser.add_argument("out", metavar="OUT", help="the file or folder to write")
    parser.add_argument("--kind", help="name of the exporter, where the suffix of OUT does not say it")
    parser.add_argument("--examples", metavar="FILE", help=".npy or .npz of inputs to compare file and model on")


def run(arguments: argparse.Namespace) -> int:
    """Writes the file, prints what has come of it, and returns the exit code 0.

    Args:
        arguments: `model`, `out`, `kind`, `examples`, and `settings`, the other flags.

    Raises:
        UnknownNameError: for a kind that there is not.
        ConfigError: for a suffix that says nothing, and for what the exporter refuses.
        DataError: for a file that is missing.
        ExportError: if the file answers otherwise than the model.
    """
    name = exporter_name(Path(arguments.out), arguments.kind)
    for file in filter(None, (arguments.model, arguments.examples)):
        if not Path(file).is_file():
            raise DataError(f"{file}: there is no such file.")
    import_quietly("tensorflow")
    from source.command.array_file import read_arrays
    from source.exporter.build import exporter
    from source.layer.load_model import load_model

    made = exporter(name, **_values(arguments.settings))
    examples = read_arrays(Path(arguments.examples)) if arguments.examples else None
    model = load_model(arguments.model, compile=False)
    print(made.export_model(model, Path(arguments.out), examples))
    return 0


def _values(flags: Sequence[str]) -> dict[str, Any]:
    """Returns settings by name, with "true" for a flag without a value, which no number is made of."""
    return {name: "true" if value is True else value for name, value in parse_flags(flags).values.items()}
