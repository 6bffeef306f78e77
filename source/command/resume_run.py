"""`espalier resume RUN [key=value]... [ACTION]...`: goes on with a run by the recipe in its folder.

RUN is the folder of a run, or its name below OUTPUT_DIR. Settings may differ from those that the run began with:
`epochs=20`. `recipe.yaml` in the folder says what it goes on with. Without an action it trains.
"""

import argparse
import os
from pathlib import Path

from source.command import recipe_line
from source.command.parser import Parser
from source.command.run_safety import RECIPE
from source.command.session import Session
from source.config.errors import DataError

SUMMARY = "go on with a run, perhaps with other settings"
COMPUTES = True


def add_arguments(parser: Parser) -> None:
    """Declares what may follow `espalier resume`.

    Args:
        parser: the parser of this command.
    """
    parser.add_argument("run", metavar="RUN", help="folder of a run")
    parser.add_argument("words", metavar="WORD", nargs="*", help="key=value, FILE.yaml, actions; default: train")


def run(arguments: argparse.Namespace) -> int:
    """Carries the actions out in the folder of the run and returns the exit code 0.

    Args:
        arguments: `run`, `words`.

    Raises:
        DataError: if there is no run with a recipe.
        EspalierError: for whatever is wrong in the settings.
    """
    folder = _folder(arguments.run)
    session = Session()
    session.add_file(str(folder / RECIPE))
    session.run_folder, session.may_differ = folder, True
    acts = set(arguments.words) & set(recipe_line.actions())
    return recipe_line.run([*arguments.words, *([] if acts else ["train"])], session)


def _folder(given: str) -> Path:
    below = Path(os.environ.get("OUTPUT_DIR") or "runs") / given
    for folder in (Path(given).expanduser(), below):
        if (folder / RECIPE).is_file():
            return folder
    if Path(given).is_dir():
        raise DataError(f"{given}: there is no {RECIPE} in this folder, so it is not known what to go on with.")
    raise DataError(
        f"{given}: there is no such run, neither here nor as {below}. `espalier runs` lists those there are."
    )
