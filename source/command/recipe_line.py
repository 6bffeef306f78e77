"""`espalier [FILE.yaml | key=value | ACTION]...`: files and settings merge in order, actions act on them."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from source.command import action
from source.command.commands import summary_in
from source.command.parser import UsageError
from source.config.errors import UnknownNameError
from source.config.nearest import did_you_mean

if TYPE_CHECKING:
    from source.command.session import Session

_FILE = (".yaml", ".yml")
_ELSE = """\
Files and settings before it make the recipe. Parts are named inputter, augmenter, batch_augmenter, network, modeler,
compressor, runner, callbacks and exporters; `espalier help ROOM.NAME` shows what each can be told, `espalier list`
which there are. A setting without a dot, such as epochs=2, goes to every part that has it.

Of the run itself:
  id=NAME            its folder below output_dir; otherwise the names of the recipe's files
  output_dir=FOLDER  where runs are, runs unless the environment says OUTPUT_DIR
  data_dir=FOLDER    where data is, data unless the environment says DATA_DIR
  recreate=true      put a run of another recipe aside that is in the folder

`espalier ... show` in the place of the action prints the recipe and where each value came from."""
_SETTING = re.compile(r"[A-Za-z_][\w.-]*\s*=")


def actions() -> list[str]:
    """Returns the names of all actions, sorted."""
    modules = pkgutil.iter_modules(action.__path__)
    return sorted(module.name.replace("_", "-") for module in modules if not module.name.startswith("_"))


def module_of(name: str) -> ModuleType:
    """Returns the module of an action.

    Args:
        name: one of `actions()`.
    """
    return importlib.import_module(f"{action.__name__}.{name.replace('-', '_')}")


def is_recipe_word(word: str) -> bool:
    """Whether a command line that begins with a word is a recipe's.

    Args:
        word: the first one.
    """
    return word.endswith(_FILE) or bool(_SETTING.match(word)) or word in actions()


def run(words: Sequence[str], session: "Session | None" = None) -> int:
    """Carries a command line out and returns the exit code 0.

    Args:
        words: files, settings and actions.
        session: to begin with; None begins anew.

    Raises:
        EspalierError: for a word that is none of these, and for whatever is wrong in the recipe.
    """
    if {"-h", "--help"} & set(words):
        named = [word for word in words if word in actions()]
        print(help_of(named[0]) if named else overview())
        return 0
    _check(words)
    from source.command.session import Session  # 0.1 s, for command lines that are recipes

    session = session or Session()
    for word in words:
        if word.endswith(_FILE) and not _SETTING.match(word):
            session.add_file(word)
        elif _SETTING.match(word):
            session.add_setting(word)
        else:
            module_of(word).run(session)
    if not set(words) & set(actions()):
        session.parts  # noqa: B018 - told now what is wrong in it
        raise UsageError(f"the recipe is right, but no action was named. Add one: {', '.join(actions())}.")
    return 0


def help_of(name: str) -> str:
    """Returns the help of an action, and what else can be said with it.

    Args:
        name: of the action.
    """
    text = ast.get_docstring(ast.parse(_file_of(name).read_text(encoding="utf-8"))) or ""
    return f"usage: espalier [FILE.yaml | key=value]... {name}\n\n{text.strip()}\n\n{_ELSE}"


def overview() -> str:
    """Returns all actions with what they do."""
    names = actions()
    width = max(map(len, names))
    return "\n".join(f"    {name:<{width}}  {summary_of(name)}" for name in names)


def summary_of(name: str) -> str:
    """Returns in a few words what an action does.

    Args:
        name: one of `actions()`.
    """
    return summary_in(_file_of(name))


def _file_of(name: str) -> Path:
    return Path(action.__path__[0]) / f"{name.replace('-', '_')}.py"


def _check(words: Sequence[str]) -> None:
    """Refuses what is neither file nor setting nor action, before anything is done."""
    known = actions()
    for word in words:
        if word in known or word.endswith(_FILE) or _SETTING.match(word):
            continue
        if word.startswith("-"):
            raise UsageError(f"`{word[:80]}`: recipes take no flags. Write key=value in the place of --key=value.")
        raise UnknownNameError(
            f"`{word[:80]}`: expected FILE.yaml, key=value or an action. {did_you_mean(word, known)}"
        )
