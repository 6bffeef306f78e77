"""`espalier init`: looks at your pictures and writes a recipe for them; asks in a terminal, or takes flags.

The pictures are a folder with a folder for each class, or with `train` and `val` of such; a CSV file of paths and
labels; or a NumPy archive. Nothing is written over a file unasked.
"""

import argparse
import importlib.util
import re
import sys
from pathlib import Path

from source.command.parser import Parser, UsageError
from source.command.session import Session
from source.command.starter.choices import Choices, choose
from source.command.starter.found import Found
from source.command.starter.look import look
from source.command.starter.recipe_text import recipe_text
from source.config.config import require
from source.config.errors import ConfigError
from source.config.plugin import locate
from source.config.recipe.recipe import SHIPPED

SUMMARY = "write a recipe for your own pictures"


def add_arguments(parser: Parser) -> None:
    """Declares what may follow `espalier init`.

    Args:
        parser: the parser of this command.
    """
    parser.add_argument("--data", metavar="PATH", help="folder of class folders, .csv file or .npz archive")
    parser.add_argument("--evaluate", metavar="PATH", default="", help="another of the same kind, to evaluate on")
    parser.add_argument("--output", metavar="FILE", help="default: the name of the data, .yaml")
    parser.add_argument("--network", metavar="NAME", help="a plugin, or a shipped recipe such as mobilenet_v2")
    parser.add_argument("--size", type=int, metavar="PIXELS", help="sides of the pictures that the network sees")
    parser.add_argument("--epochs", type=int, metavar="N", help="default: as many as make some 1,500 steps, 10 to 60")
    parser.add_argument("--mirror", choices=("yes", "no"), help="whether a mirrored picture means the same")
    parser.add_argument("--overwrite", action="store_true", help="write over the file that is there")
    parser.add_argument("--yes", action="store_true", help="ask nothing: take what is not given by flags as it suits")


def run(arguments: argparse.Namespace) -> int:
    """Writes the recipe, says what to do next, and returns the exit code 0.

    Args:
        arguments: `data`, `evaluate`, `output`, `network`, `size`, `epochs`, `mirror`, `overwrite`, `yes`.

    Raises:
        UsageError: if something is to be asked and nobody is there, or the file is there already.
        DataError: if the data cannot be read.
        UnknownNameError: for a network that does not exist, with the nearest names.
    """
    asks = sys.stdin.isatty() and not arguments.yes
    data = arguments.data or _ask_for("data", "Where are your pictures (a folder, a .csv or a .npz file)", asks)
    found = look(data, arguments.evaluate)
    print(_told(found))
    chosen, base = _chosen(found, arguments, asks)
    default = re.sub(r"[^\w.+-]", "_", Path(data).expanduser().resolve().stem, flags=re.ASCII) or "pictures"
    output = Path(arguments.output or _answer("Write the recipe to", f"{default}.yaml", asks)).expanduser()
    if output.suffix not in (".yaml", ".yml"):
        raise UsageError(f"--output: expected a file that ends in .yaml. Received: {output}.")
    _check_free(output, arguments.overwrite, asks)
    litert = importlib.util.find_spec("ai_edge_litert") is not None
    _write(output, recipe_text(output.stem, str(output), found, chosen, base, litert))
    print(f"\nwrote {output}\nCheck it:  espalier {output} doctor\nTrain it:  espalier {output} train evaluate")
    return 0


def _chosen(found: Found, arguments: argparse.Namespace, asks: bool) -> tuple[Choices, str | None]:
    """Returns the choices, those that nobody has made asked for, and the shipped recipe of the network if it is one."""
    usual = choose(found)
    network = arguments.network or _answer("Network", usual.network, asks)
    base = f"network/{network}.yaml" if (SHIPPED / "network" / f"{network}.yaml").is_file() else None
    if base is None:
        locate("network", network)
    size = arguments.size
    if size is None and base is None and usual.height == usual.width:
        size = _number("Sides of the pictures that it sees, pixels", usual.height, asks)
    size = None if size == usual.height and base is None else size
    mirror = arguments.mirror or _answer("Does a mirrored picture mean the same (yes, no)", _yes(usual), asks)
    epochs = arguments.epochs or _number("Epochs", usual.epochs, asks)
    for name, value in (("size", size), ("epochs", epochs)):
        try:
            require(value is None or 1 <= value <= 10_000, name, "from 1 to 10,000", value)
        except ValueError as error:
            raise UsageError(f"--{name}: {error}") from None
    is_same = mirror.strip().lower() in ("yes", "y", "true")
    return choose(found, network, size, epochs, is_same, sized=base is not None), base


def _yes(chosen: Choices) -> str:
    return "yes" if chosen.augmenter["flip"] else "no"


def _told(found: Found) -> str:
    rows = [f"  {name}: {train:,} and {other:,} to evaluate on" for name, (train, other) in found.counts.items()]
    listed = rows[:12] + ([f"  ... and {len(rows) - 12} more classes"] if len(rows) > 12 else [])
    return f"{found.num_train:,} pictures of {len(found.classes)} classes:\n" + "\n".join(listed)


def _check_free(output: Path, overwrite: bool, asks: bool) -> None:
    if not output.exists() or overwrite:
        return
    if not (asks and _answer(f"{output} is there. Write over it (yes, no)", "no", asks).lower() in ("yes", "y")):
        raise UsageError(f"{output} is there already. Give another --output, or --overwrite.")


def _write(output: Path, text: str) -> None:
    """Puts a recipe in place that has been read and found right."""
    output.parent.mkdir(parents=True, exist_ok=True)
    written = output.with_name(f".{output.stem}.tmp.yaml")
    try:
        written.write_text(text, encoding="utf-8")
        session = Session()
        session.add_file(str(written))
        session.parts  # noqa: B018 - refuses what cannot be
        written.replace(output)
    except OSError as error:
        raise ConfigError(f"--output: {output} cannot be written: {error.strerror}.") from None
    finally:
        written.unlink(missing_ok=True)


def _ask_for(flag: str, question: str, asks: bool) -> str:
    if not asks:
        raise UsageError(f"--{flag} is needed: {question[:1].lower()}{question[1:]}.")
    return _answer(question, "", asks)


def _answer(question: str, default: str, asks: bool) -> str:
    if not asks:
        return default
    return input(f"{question}{f' [{default}]' if default else ''}: ").strip() or default


def _number(question: str, default: int | None, asks: bool) -> int | None:
    given = _answer(question, str(default), asks)
    if not given.isdecimal():
        raise UsageError(f"{question}: expected a whole number. Received: {given}.")
    return int(given)
