"""The settings and the environment of a run in its report."""

import html
import json
from typing import Any

from source.command.record.run_folder import RunFolder, mapping
from source.exporter.page.html_page import folded, pairs_table

_PARTS = ("inputter", "modeler", "compressor", "runner")


def settings_section(run: RunFolder) -> list[str]:
    """Returns the recipe, the settings of each part, and versions; nothing where there are none.

    Args:
        run: its folder, read.
    """
    parts = []
    if run.recipe:
        parts.append(folded("recipe", [f"<pre>{html.escape(_recipe_text(run))}</pre>"]))
    for room in _PARTS:
        if room in run.settings:
            parts.append(_part(room, mapping(run.settings[room])))
    callbacks = run.settings.get("callbacks")
    for each in callbacks if isinstance(callbacks, list) else ():
        parts.append(_part("callback", mapping(each)))
    environment = {name: value for name, value in run.settings.items() if name not in (*_PARTS, "callbacks")}
    process = mapping(run.outcome.get("process"))
    if process:
        environment["process"] = process
    found = ["<h2>Settings</h2>", *parts] if parts else []
    return [*found, "<h2>Environment</h2>", pairs_table(_flat(environment))] if environment else found


def _part(room: str, part: dict[str, Any]) -> str:
    module = str(part.get("module", ""))
    if module.startswith("source.config."):  # its settings are those that all of its kind have
        module = str(part.get("class", "")).rpartition(".")[0]
    name = module.rpartition(".")[2]
    pairs = [(str(field), _value(value)) for field, value in mapping(part.get("config")).items()]
    return folded(f"{room}: {name}" if name else room, [pairs_table(pairs)])


def _recipe_text(run: RunFolder) -> str:
    try:
        return (run.path / "recipe.yaml").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return json.dumps(run.recipe, indent=2, default=str)


def _flat(values: dict[str, Any], path: str = "") -> list[tuple[str, str]]:
    pairs = []
    for name, value in values.items():
        inner = f"{path} {name}".strip()
        pairs += _flat(value, inner) if isinstance(value, dict) else [(inner, _value(value))]
    return pairs


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
