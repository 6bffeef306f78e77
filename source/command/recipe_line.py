"""`espalier [FILE.yaml | key=value | ACTION]...`: files and settings merge in order, actions act on them."""

import importlib
import pkgutil
import re
from collections.abc import Sequence
from types import ModuleType

from source.command import action
from source.command.parser import UsageError
from source.command.session import Session
from source.config.errors import UnknownNameError
from source.config.nearest import did_you_mean

_FILE = (".yaml", ".yml")
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


def run(words: Sequence[str], session: Session | None = None) -> int:
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
    """Returns the help of an action.

    Args:
        name: of the action.
    """
    return f"espalier FILE.yaml ... key=value ... {name}\n\n{(module_of(name).__doc__ or '').strip()}"


def overview() -> str:
    """Returns all actions with what they do."""
    names = actions()
    width = max(map(len, names))
    return "\n".join(f"  {name:<{width}}  {module_of(name).SUMMARY}" for name in names)


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
