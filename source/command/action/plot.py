"""Draws the curves of the run and, where there is a checkpoint, the weights of its model, into `plots/` of the run.

`espalier plot RUN` draws the same, and activations and gates too, with options.
"""

from pathlib import Path

from source.command import draw_plots
from source.command.action._model import newest_checkpoint
from source.command.parser import Parser
from source.command.session import Session
from source.config.errors import DataError

SUMMARY = "draw the curves and the weights of the run"


def run(session: Session) -> None:
    """Draws.

    Args:
        session: of the command line.

    Raises:
        DataError: if the run has neither curves nor weights.
    """
    folder = session.folder
    kinds = ["curves"] if (folder / "metrics.jsonl").is_file() else []
    if (folder / "finished.keras").is_file() or newest_checkpoint(folder):
        kinds.append("weights")
    if not kinds:
        raise DataError(f"{folder}: there is nothing to draw yet. Train first.")
    for kind in kinds:
        _draw(folder, kind)


def _draw(folder: Path, kind: str) -> None:
    parser = Parser(prog="espalier plot", allow_abbrev=False)
    draw_plots.add_arguments(parser)
    draw_plots.run(parser.parse_all([str(folder), f"--what={kind}"]))
