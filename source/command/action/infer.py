"""Predicts pictures with the newest checkpoint: `inputs=FILE`, a folder, a pattern, or a list of these.

A folder stands for all pictures in it and below it. Files are taken in the order of their names, each once. Without
`inputs` those of `test_samples` are predicted, or else the evaluation data. What is written to `infer/` of the run:
`npy/<b>.npy`, the probabilities (examples, classes) of batch b; `json/<b>.json`, the same with files and names of
classes; `images/<b>/<class>/<file>.png`, the pictures sorted by the class that was found; `predictions.csv`, all in one
table; and `predictions.png`, the first of them. What an earlier `infer` wrote is replaced. `predict` is another name
for it.
"""

import contextlib
import dataclasses
import shutil
from collections.abc import Iterator
from typing import Any

from source.command.input_files import input_files
from source.command.session import Session
from source.config.errors import ConfigError

SUMMARY = "predict pictures with the newest checkpoint"
FOLDER = "infer"
_SHEET = "infer_display_image_classification"


def run(session: Session) -> None:
    """Predicts.

    Args:
        session: of the command line.

    Raises:
        UsageError: for inputs that are not there.
        ConfigError: for inputs that are no pictures.
    """
    files = _files(session)
    folder = session.folder / FOLDER
    with session.located_errors():
        runner = session.runner
        with _reading(session, runner, files), _writing(session, runner):
            if folder.is_dir():
                shutil.rmtree(folder)
            runner.infer()


def _files(session: Session) -> tuple[str, ...]:
    """Returns the paths that `inputs` names, sorted; none where it names nothing."""
    given = session.setting("inputs")
    if given is None:
        return ()
    place = session.resolved.value["inputs"].place
    words = given if isinstance(given, list) else [given]
    if not words or not all(isinstance(word, str) and word for word in words):
        raise ConfigError(f"{place}: inputs: expected a file, a folder, a pattern, or a list. Received: {given!r}.")
    found = input_files([str(word) for word in words])
    if found[0].suffix in (".npy", ".npz"):
        raise ConfigError(
            f"{place}: inputs: expected pictures. Received: {found[0]}. Export the model, and give arrays to "
            "`espalier predict FILE`."
        )
    return tuple(map(str, found))


@contextlib.contextmanager
def _reading(session: Session, runner: Any, files: tuple[str, ...]) -> Iterator[None]:
    """Lets the runner read pictures instead of its own data."""
    if not files:
        yield
        return
    from source.config.plugin import resolve

    own = runner.inputter
    config = dataclasses.replace(own.config, test_samples=files)
    runner.inputter = resolve("inputter", session.parts.names["inputter"]).build(config)
    try:
        yield
    finally:
        runner.inputter = own


@contextlib.contextmanager
def _writing(session: Session, runner: Any) -> Iterator[None]:
    """Lets the runner write what it predicts."""
    from source.command.action._infer_files import InferFiles
    from source.config.config import CallbackConfig
    from source.config.plugin import resolve

    own = runner.callbacks
    added = [InferFiles(session.folder / FOLDER)]
    if _SHEET not in session.parts.names["callbacks"]:
        added.insert(0, resolve("callback", _SHEET).build(CallbackConfig(model_dir=str(session.folder))))
    runner.callbacks = [*own, *added]
    try:
        yield
    finally:
        runner.callbacks = own
