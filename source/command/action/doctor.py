"""Checks that a recipe can be trained here: its settings, folders, data, network, one step of everything, packages.

Every line says ok or wrong, and what to do. Nothing is written into the folder of the run, and nothing is trained: the
one step is a dry run. What depends on a thing that is wrong is left out.
"""

import contextlib
import dataclasses
import importlib.util
import io
import os
from collections.abc import Callable
from pathlib import Path

from source.command.session import Session
from source.config.errors import ConfigError, DataError, EspalierError

SUMMARY = "check recipe, folders, data, one step of everything, and packages"
# Packages that exporters load when they are used.
_PACKAGES = {"litert": ("ai_edge_litert", "ai_edge_quantizer"), "onnx": ("onnx", "onnxruntime", "tf2onnx")}
_LOOKED_AT = 4  # examples
_DATA_HINT = "Settings say where data is; of shipped recipes, data_dir=FOLDER or the variable DATA_DIR."
_MEGABYTES = 100  # of free space that a short run takes


@dataclasses.dataclass(frozen=True)
class Check:
    """One thing that is looked at.

    Attributes:
        name: of it.
        look: returns what was found; raises `EspalierError` or `OSError` if it is wrong.
        needs: names of those that must be right before.
    """

    name: str
    look: Callable[[Session], str]
    needs: tuple[str, ...] = ()


def run(session: Session) -> None:
    """Prints the list.

    Args:
        session: of the command line.

    Raises:
        ConfigError: if something is wrong.
    """
    wrong: list[str] = []
    for check in CHECKS:
        if set(check.needs) & set(wrong):
            wrong.append(check.name)
            print(f"-      {check.name}: not looked at", flush=True)
            continue
        try:
            print(f"ok     {check.name}: {check.look(session)}", flush=True)
        except (EspalierError, OSError) as error:
            wrong.append(check.name)
            print(f"wrong  {check.name}: {error}", flush=True)
    if wrong:
        raise ConfigError(f"doctor: {len(wrong)} of {len(CHECKS)} checks are not well: {', '.join(wrong)}.")


def _recipe(session: Session) -> str:
    parts = session.parts
    named = [f"{key} {parts.names[key]}" for key in ("network", "inputter", "compressor") if key in parts.names]
    return ", ".join(named)


def _folders(session: Session) -> str:
    """Returns where a run would be written, after looking at the first folder above that is there."""
    folder = session.folder.absolute()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        raise ConfigError(f"{there} cannot be written to. Give another output_dir=FOLDER, or change its rights.")
    free = _free(there)
    if free < _MEGABYTES:
        raise ConfigError(f"{there} has {free:,} MB left, and a run takes {_MEGABYTES} at least. Make room.")
    return f"{session.folder} can be written, {free:,} MB are free"


def _free(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize // 1_000_000


def _data(session: Session) -> str:
    """Returns how many examples there are, after decoding the first of each split."""
    with session.located_errors():
        inputter = session.runner.inputter
        try:
            counts = {split: inputter.get_num_samples(split) for split in ("train", "evaluate")}
            bad = [
                split
                for split, count in counts.items()
                if count and hasattr(inputter, "originals") and not inputter.originals(split, _LOOKED_AT)
            ]
        except DataError as error:
            raise DataError(f"{error} {_DATA_HINT}") from None
    if not counts["train"]:
        raise ConfigError(f"there is nothing to train on. Give `inputter.train_dataset_meta`. {_DATA_HINT}")
    if bad:
        raise ConfigError(f"none of the first {bad[0]} examples can be decoded. Are they pictures?")
    shape = " x ".join(map(str, inputter.image_shape))
    return f"{counts['train']:,} examples to train on, {counts['evaluate']:,} to evaluate on, seen as {shape}"


def _network(session: Session) -> str:
    from source.command.action._model import looked_at

    with looked_at(session.copied()) as seen:
        return f"{seen.model.name}, {seen.model.count_params():,} weights, {seen.what}"


def _step(session: Session) -> str:
    """Returns that all went well, after one step of training and a batch of evaluation that leave nothing behind."""
    trial = session.copied("dry_run=true")
    said = io.StringIO()
    with trial.located_errors(), contextlib.redirect_stdout(said):
        trial.runner.train()
    return "one step of training, one batch of evaluation"


def _exporters(session: Session) -> str:
    names = session.parts.names["exporters"]
    missing = {each for name in names for each in _PACKAGES.get(name, ()) if importlib.util.find_spec(each) is None}
    if missing:
        raise ConfigError(
            f"the packages {', '.join(sorted(missing))} are not installed: pip install 'espalier[export]'. Or take the "
            "exporters away that need them, such as exporters.litert=null."
        )
    return ", ".join(names) or "none"


CHECKS = (
    Check("recipe", _recipe),
    Check("folders", _folders, ("recipe",)),
    Check("exporters", _exporters, ("recipe",)),
    Check("data", _data, ("recipe",)),
    Check("network", _network, ("recipe",)),
    Check("step", _step, ("recipe", "folders", "data", "network")),
)
