"""Writes one reference page a room, reads our docstrings as they are written, and misses nothing public.

A room joins the reference by existing. The build fails if a public module, class, function or method has not
arrived on a page, which happens when it has no docstring or when a page leaves it out.
"""

import ast
import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

from source.command.settings_text import Setting, describe

SOURCE = Path(__file__).resolve().parents[2] / "source"
_LOGGER = logging.getLogger(__name__)
_CODE_OR_LINK = re.compile(r"(``.*?``|`[^`]*`|https?://\S+)")
_MARKUP = re.compile(r"[*|\\]|(?<=\w)_(?!\w)")
_FIELD = re.compile(r"^    (\w+): (.*)$")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connects the parts of this extension with the build."""
    app.connect("builder-inited", write_pages)
    # Before napoleon (priority 500) turns the sections into fields.
    app.connect("autodoc-process-docstring", read_docstring, priority=400)
    app.connect("autodoc-process-signature", short_signature)
    app.connect("env-check-consistency", report_missing)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def rooms(root: Path = SOURCE) -> list[Path]:
    """Returns the folders of the rooms, by name."""
    return sorted(path.parent for path in root.glob("*/__init__.py"))


def public_modules(room: Path) -> list[str]:
    """Returns the dotted names of a room's public modules, the room itself first."""
    files = sorted(room.rglob("*.py"))
    public = [file.relative_to(room) for file in files if not file.name.startswith("_")]
    package = f"source.{room.name}"
    return [package, *(f"{package}.{'.'.join(file.with_suffix('').parts)}" for file in public)]


def public_names(room: Path) -> Iterator[str]:
    """Yields the dotted names of the public modules of a room and of what is public in them."""
    for module in public_modules(room):
        yield module
        file = room.joinpath(*module.split(".")[2:]).with_suffix(".py")
        file = file if file.is_file() else room / "__init__.py"
        yield from _definitions(module, ast.parse(file.read_text(encoding="utf-8")))


def room_page(room: Path) -> str:
    """Returns the reference page of a room: its own docstring, then its modules."""
    package, *modules = public_modules(room)
    parts = [room.name, "=" * len(room.name), "", f".. automodule:: {package}", ""]
    for module in modules:
        title = module.removeprefix(f"{package}.")
        parts += [title, "-" * len(title), "", f".. automodule:: {module}", ""]
    return "\n".join(parts)


def write_pages(app: Sphinx) -> None:
    """Writes the pages of all rooms that are not right already, and removes those of rooms gone."""
    folder = Path(app.srcdir) / "api" / "generated"
    folder.mkdir(parents=True, exist_ok=True)
    pages = {folder / f"{room.name}.rst": room_page(room) for room in rooms()}
    for file in set(folder.glob("*.rst")) - set(pages):
        file.unlink()
    for file, text in pages.items():
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")


def read_docstring(app: Sphinx, kind: str, name: str, documented: Any, options: Any, lines: list[str]) -> None:
    """Shows type and default of settings, and protects plain text from being read as markup."""
    if kind == "class" and dataclasses.is_dataclass(documented):
        lines[:] = with_types(documented, lines)
    lines[:] = [plain(line) for line in lines]


def short_signature(
    app: Sphinx, kind: str, name: str, documented: Any, options: Any, signature: str, returns: str
) -> tuple[str, str] | None:
    """Shows how every configuration is made, where all its settings would fill a screen."""
    is_settings = kind == "class" and hasattr(documented, "__pydantic_config__")
    return ("(base=None, /, **settings)", returns) if is_settings else None


def with_types(config_class: type, lines: list[str]) -> list[str]:
    """Returns the lines of a docstring with type and default before the meaning of each setting.

    Settings that come from a class in a private module stand on no other page, so they are added.
    """
    settings = {setting.name: setting for setting in describe(config_class)}
    own = [found[1] for line in lines if (found := _FIELD.match(line))]
    from_private = {
        setting.name: _setting_line(setting, setting.meaning)
        for setting in settings.values()
        if setting.name not in own and "._" in setting.owner.__module__
    }
    shown = []
    for line in lines:
        found = _FIELD.match(line)
        known = settings.get(found[1]) if found else None
        shown.append(_setting_line(known, found[2]) if found and known else line)
    if from_private and "Attributes:" not in shown:
        shown += ["", "Attributes:"]
    place = shown.index("Attributes:") + 1 if from_private else 0
    return [*shown[:place], *from_private.values(), *shown[place:]]


def _setting_line(setting: Setting, meaning: str) -> str:
    default = "" if setting.default is None else f" = {setting.default}"
    return f"    {setting.name}: ``{setting.type}{default}``: {meaning}"


def plain(line: str) -> str:
    """Returns a line whose text outside of code and links holds no markup: `a*b` stays a product."""
    parts = _CODE_OR_LINK.split(line)
    return "".join(part if place % 2 else _MARKUP.sub(r"\\\g<0>", part) for place, part in enumerate(parts))


def report_missing(app: Sphinx, env: BuildEnvironment) -> None:
    """Warns of every public name that stands on no page; under `-W` the build fails."""
    reached = set(env.domaindata["py"]["objects"]) | set(env.domaindata["py"]["modules"])
    for room in rooms():
        for name in public_names(room):
            if name not in reached:
                _LOGGER.warning("public, but not in the reference (has it a docstring?): %s", name)


def _definitions(path: str, parent: Any) -> Iterator[str]:
    for node in parent.body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef) or node.name.startswith("_"):
            continue
        yield f"{path}.{node.name}"
        if isinstance(node, ast.ClassDef):
            yield from _definitions(f"{path}.{node.name}", node)
