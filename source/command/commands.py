"""The commands of `espalier` that take arguments of their own, and what each is for; none of them is loaded for it."""

import ast
import importlib
import re
from functools import cache
from pathlib import Path
from types import ModuleType

_FOLDER = Path(__file__).parent
_MODULES = {
    "init": "init_recipe",
    "list": "list_plugins",
    "help": "show_help",
    "env": "show_environment",
    "export": "export",
    "import": "import_weights",
    "predict": "predict",
    "compare": "compare",
    "latency": "latency",
    "profile": "profile",
    "events": "tabulate_events",
    "runs": "list_runs",
    "resume": "resume_run",
    "report": "write_report",
    "plot": "draw_plots",
    "data": "prepare_data",
    "completion": "show_completion",
}
_SUMMARY = re.compile(r'^SUMMARY = (".*"|\((?:\s*".*"\s*)+\))$', re.MULTILINE)


def names() -> list[str]:
    """Returns the names of all commands, in the order in which they are shown."""
    return list(_MODULES)


def module_of(name: str) -> ModuleType:
    """Returns the module of a command.

    Args:
        name: one of `names()`.
    """
    return importlib.import_module(f"source.command.{_MODULES[name]}")


def summary_of(name: str) -> str:
    """Returns in a few words what a command does.

    Args:
        name: one of `names()`.
    """
    return summary_in(_FOLDER / f"{_MODULES[name]}.py")


@cache
def summary_in(file: Path) -> str:
    """Returns what a module says as its `SUMMARY`; empty if it says nothing.

    Args:
        file: its source.
    """
    found = _SUMMARY.search(file.read_text(encoding="utf-8"))
    return "" if found is None else str(ast.literal_eval(found[1]))
