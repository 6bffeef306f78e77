"""Trains to the last step, going on from the newest checkpoint of the run if there is one.

The folder of the run gets `recipe.yaml`, the resolved recipe, `run.json` with the versions, the settings of all parts
and the state of git, checkpoints, curves and `report.html`. A folder with a run of another recipe is left alone.
Ctrl-C ends training after the step under way and saves it; the same command goes on.
"""

from source.command.action._page import refresh
from source.command.run_safety import claim, refuse_another
from source.command.session import Session

SUMMARY = "train, or go on training, in the folder of the run"


def run(session: Session) -> None:
    """Trains, and writes the page on the run, also where training was stopped.

    Args:
        session: of the command line.

    Raises:
        ConfigError: if the folder holds a run of another recipe.
    """
    refuse_another(session)  # before TensorFlow loads
    runner = session.runner
    claim(session)
    try:
        with session.located_errors():
            runner.train()
    except SystemExit:  # stopped by a signal, its state saved
        refresh(session.folder)
        raise
    refresh(session.folder, say=True)
