"""A run's folder belongs to one recipe: no other is ever written over it unasked."""

import itertools
from pathlib import Path
from typing import Any

from source.command.session import Session
from source.config.errors import ConfigError, DataError
from source.config.recipe.recipe import resolved_file
from source.config.recipe.tree import dotted, leaves, plain
from source.config.recipe.yaml_text import Located, write_yaml
from source.config.shown import shown

RECIPE = "recipe.yaml"
# They say where runs and data are and what to do with a run, not what it is.
_PLACES = ("id", "output_dir", "data_dir", "model_dir", "recreate")
_ELSEWHERE = (*_PLACES, "baseline", "compare_examples", "inputs", "timed_runs", "test_samples", "exporters")


def claim(session: Session) -> None:
    """Writes the resolved recipe into the folder of the run, unless there is another one.

    Args:
        session: of the command line.

    Raises:
        ConfigError: naming the first setting that differs from the recipe of the run that is there.
        DataError: if the folder cannot be written.
    """
    folder = session.folder
    try:
        if (folder / RECIPE).exists() and not session.may_differ:
            _make_room(session, folder)
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / RECIPE, recipe_text(session))
    except OSError as error:
        raise DataError(f"{folder}: the folder of the run cannot be written: {error.strerror}.") from None


def refuse_another(session: Session) -> None:
    """Refuses to train into the folder of a run of another recipe, without loading anything; nothing is written.

    Args:
        session: of the command line.

    Raises:
        ConfigError: naming the first setting that differs from the recipe of the run that is there.
    """
    folder = session.folder
    if session.may_differ or session.setting("recreate") is True or not (folder / RECIPE).exists():
        return
    if difference := _difference(_read(folder / RECIPE), session.resolved):
        raise ConfigError(
            f"{folder} holds a run of another recipe: {difference}. Give this one a name of its own, id=NAME; "
            f"go on with that one, `espalier resume {folder} key=value`; or put it aside, recreate=true."
        )


def recipe_text(session: Session) -> str:
    """Returns the resolved recipe as YAML, under one line that says of which files it was made.

    Args:
        session: of the command line.
    """
    made_of = ", ".join(session.recipe.files) or "settings"
    return f"# {session.id}: made of {made_of}\n{write_yaml(plain(session.resolved))}"


def _make_room(session: Session, folder: Path) -> None:
    """Puts a run of another recipe aside where that was asked for, and refuses to touch it otherwise."""
    refuse_another(session)
    if not _difference(_read(folder / RECIPE), session.resolved):
        return
    real = folder.resolve()
    aside = next(path for n in itertools.count(1) if not (path := real.parent / f"{real.name}.{n}").exists())
    folder.rename(aside)
    print(f"The run that was in {folder} is in {aside} now.")


def _write(file: Path, text: str) -> None:
    written = file.with_name(f"{file.name}.tmp")
    written.write_text(text, encoding="utf-8")
    written.replace(file)


def _read(file: Path) -> Located:
    try:
        return resolved_file(file)
    except (ConfigError, DataError) as error:
        raise ConfigError(f"the run that is there cannot be told: {error} Give this one a name, id=NAME.") from None


def _difference(there: Located, here: Located) -> str:
    """Returns the first setting that differs, with both values; empty if all are equal."""
    before, now = _values(there), _values(here)
    for path in {**before, **now}:
        one, other = before.get(path, "nothing"), now.get(path, "nothing")
        if one != other and path[0] not in _ELSEWHERE:
            return f"{dotted(path)} is {shown(one)} there and {shown(other)} here"
    return ""


def _values(tree: Located) -> dict[tuple[str, ...], Any]:
    return {path: plain(leaf) for path, leaf in leaves(tree)}
