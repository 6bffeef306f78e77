"""A run's folder belongs to one recipe: no other is ever written over it unasked."""

from typing import Any

import yaml

from source.command.session import Session
from source.config.errors import ConfigError, DataError
from source.config.recipe.recipe import Recipe
from source.config.recipe.tree import Path, dotted, leaves, plain
from source.config.recipe.yaml_text import Located

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
    """
    folder = session.folder
    file = folder / RECIPE
    if file.exists() and not session.may_differ:
        difference = _difference(_read(str(file)), session.resolved)
        if difference and session.setting("recreate") is not True:
            raise ConfigError(
                f"{folder} holds a run of another recipe: {difference}. Give this one a name of its own, id=NAME; "
                f"go on with that one, `espalier resume {folder} key=value`; or put it aside, recreate=true."
            )
        if difference:
            aside = next(path for n in range(1, 10**6) if not (path := folder.with_name(f"{folder.name}.{n}")).exists())
            folder.rename(aside)
            print(f"The run that was in {folder} is in {aside} now.")
    folder.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(plain(session.resolved), sort_keys=False, allow_unicode=True, width=100)
    written = file.with_name(f"{RECIPE}.tmp")
    written.write_text(
        f"# {session.id}: made of {', '.join(session.recipe.files) or 'settings'}\n{text}", encoding="utf-8"
    )
    written.replace(file)


def _read(file: str) -> Located:
    recipe = Recipe()
    try:
        recipe.add_file(file)
    except (ConfigError, DataError) as error:
        raise ConfigError(f"the run that is there cannot be told: {error} Give id=NAME.") from None
    return recipe.resolved()


def _difference(there: Located, here: Located) -> str:
    """Returns the first setting that differs, with both values; empty if all are equal."""
    before, now = _values(there), _values(here)
    for path in {**before, **now}:
        one, other = before.get(path, "nothing"), now.get(path, "nothing")
        if one != other and path[0] not in _ELSEWHERE:
            return f"{dotted(path)} is {one!r} there and {other!r} here"
    return ""


def _values(tree: Located) -> dict[Path, Any]:
    return {path: plain(leaf) for path, leaf in leaves(tree)}
