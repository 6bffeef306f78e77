"""From a resolved recipe to the parts of an application: which plugins, and which settings go to which of them.

Everything that can be told without loading a plugin is checked here, with the file and the line of what is wrong.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from source.config.errors import ConfigError
from source.config.nearest import did_you_mean
from source.config.plugin_fields import Field, PluginFields, check_value
from source.config.recipe.nested import check_plugin
from source.config.recipe.tree import dotted, nearest_above, plain
from source.config.recipe.yaml_text import Located
from source.config.shown import shown

# A key of a recipe to its room: one plugin each, written as its name or as a mapping of `name` and settings.
SINGLE = {
    "inputter": "inputter",
    "augmenter": "augmenter",
    "batch_augmenter": "augmenter",
    "network": "network",
    "compressor": "compressor",
    "modeler": "modeler",
    "runner": "runner",
}
# And those of several: mappings of names to settings, null where a name is taken away again.
SEVERAL = {"callbacks": "callback", "exporters": "exporter"}
# Parts that take settings from the top of a recipe.
_SHARING = ("inputter", "modeler", "runner", *SEVERAL)
_NEEDED = ("inputter", "network", "modeler", "runner")
# What recipes say of a run and of no part of it.
OF_THE_RUN = {
    "name": ("what the run is called, in its folder and its report", (str, int, float)),
    "id": ("folder of the run below `output_dir`; null makes one of the names of the recipe's files", (str, int)),
    "data_dir": ("where data is, for `${data_dir}` in recipes; from the environment variable DATA_DIR", (str,)),
    "output_dir": ("where runs are written; from the environment variable OUTPUT_DIR", (str,)),
    "recreate": ("whether a run of another recipe is put aside where this one is written", (bool,)),
    "inputs": ("pictures that `infer` predicts: a file, folder or pattern, or a list of these", (str, list)),
    "baseline": ("what `compare` compares with: a file, or the folder of a run", (str,)),
    "compare_examples": ("how many evaluation examples `compare` runs each file on; null takes all", (int,)),
    "timed_runs": ("how often `compare` and `latency` run each file, in turns; null takes 50", (int,)),
}
_WORDS: dict[type, str] = {str: "text", bool: "true or false", int: "a whole number", list: "a list"}


@dataclasses.dataclass(frozen=True)
class Parts:
    """An application as a recipe describes it.

    Attributes:
        names: of the plugins, by the recipe's key; those of `callbacks` and `exporters` in their order.
        own: settings of each plugin alone, by key, and by key and name for callbacks and exporters.
        shared: settings of every part that has a field of their name.
    """

    names: Mapping[str, Any]
    own: Mapping[str, Mapping[str, Any]]
    shared: Mapping[str, Any]


def parts_of(recipe: Located, needed: Sequence[str] = _NEEDED) -> Parts:
    """Returns the parts that a recipe describes, checked as far as their sources tell.

    Args:
        recipe: resolved.
        needed: keys without which the application cannot be.

    Raises:
        ConfigError: naming file, line and path of a setting that no part has or that has another type, with the nearest
            name, or a part that is missing.
        UnknownNameError: for a plugin that does not exist, with the nearest names.
    """
    _check_run(recipe)
    sections = list(_sections(recipe))
    for key in needed:
        if key not in {section.key for section in sections}:
            raise ConfigError(f"{key}: the recipe names none. Add a file that does, or {key}=NAME.")
    shared = {key: value for key, value in recipe.value.items() if key not in {**SINGLE, **SEVERAL, **OF_THE_RUN}}
    known = [(section, _checked(section, recipe)) for section in sections]
    _check_shared(shared, known)
    names: dict[str, Any] = {section.key: section.name for section in sections if section.key in SINGLE}
    for key in SEVERAL:
        names[key] = [section.name for section in sections if section.key == key]
    own = {".".join(section.path): plain(section.settings) for section in sections}
    return Parts(names, own, {key: plain(value) for key, value in shared.items()})


def _check_run(recipe: Located) -> None:
    """Refuses what cannot be said of a run, whatever its parts."""
    for key, (meaning, types) in OF_THE_RUN.items():
        found = recipe.value.get(key)
        if found is None or found.value is None or type(found.value) in types:
            continue
        expected = " or ".join(_WORDS[each] for each in types if each is not float)
        raise ConfigError(f"{found.place}: {key}: expected {expected}: {meaning}. Received: {shown(plain(found))}.")


@dataclasses.dataclass(frozen=True)
class _Section:
    key: str
    room: str
    name: str
    path: tuple[str, ...]
    settings: Located


def _sections(recipe: Located) -> Iterator[_Section]:
    """Yields what stands in the place of each plugin."""
    for key, room in SINGLE.items():
        found = recipe.value.get(key)
        if found is None or found.value is None:
            continue
        name, settings = _named(found, key)
        yield _Section(key, room, name, (key,), settings)
    for key, room in SEVERAL.items():
        found = recipe.value.get(key, Located({}, recipe.place))
        for name, settings in _listed(found, key):
            if settings.value is not False and settings.value is not None:
                yield _Section(key, room, name, (key, name), settings)


def _named(found: Located, key: str) -> tuple[str, Located]:
    """Returns the plugin's name and its settings."""
    if isinstance(found.value, str) and found.value:
        return found.value, Located({}, found.place)
    if not isinstance(found.value, dict):
        raise ConfigError(
            f"{found.place}: {key}: expected a name, or a mapping with `name`. Received: {shown(plain(found))}."
        )
    name = found.value.get("name", Located(None, found.place))
    if not isinstance(name.value, str) or not name.value:
        raise ConfigError(
            f"{name.place}: {key}.name: expected the name of a plugin; see `espalier list {SINGLE[key]}`."
        )
    return name.value, Located({each: value for each, value in found.value.items() if each != "name"}, found.place)


def _listed(found: Located, key: str) -> Iterator[tuple[str, Located]]:
    """Yields names and settings: a list of names stands for names without settings."""
    if isinstance(found.value, list):
        for each in found.value:
            if not isinstance(each.value, str) or not each.value:
                raise ConfigError(
                    f"{each.place}: {key}: expected the name of a plugin. Received: {shown(plain(each))}."
                )
            yield each.value, Located({}, each.place)
    elif isinstance(found.value, dict):
        for name, settings in found.value.items():
            if settings.value in (None, False) and not isinstance(settings.value, (dict, list)):
                continue
            if settings.value is not True and not isinstance(settings.value, dict):
                raise ConfigError(
                    f"{settings.place}: {key}.{name}: expected a mapping of its settings, such as {{}}; null takes "
                    f"it away. Received: {shown(plain(settings))}."
                )
            yield name, Located({}, settings.place) if settings.value is True else settings
    elif found.value is not None:
        raise ConfigError(
            f"{found.place}: {key}: expected a mapping of names to settings. Received: {shown(plain(found))}."
        )


def _checked(section: _Section, recipe: Located) -> PluginFields | None:
    """Returns what is known of a plugin, refusing settings that it does not have or cannot take."""
    path = (*section.path, "name") if section.key in SINGLE else section.path
    return check_plugin(section.room, section.name, section.settings, nearest_above(recipe, path), section.path)


def _check_shared(shared: Mapping[str, Located], known: Sequence[tuple[_Section, PluginFields | None]]) -> None:
    """Refuses settings that no part has; a part of somebody else's may have any."""
    sharing = [fields for section, fields in known if section.key in _SHARING]
    fields: dict[str, list[Field]] = {}
    for each in sharing:
        for field in each.fields.values() if each is not None else ():
            fields.setdefault(field.name, []).append(field)
    for name, value in shared.items():
        if name not in fields and None not in sharing:
            raise ConfigError(
                f"{value.place}: {name}: no part of this recipe has this setting. {_place_for(name, fields, known)}"
            )
        for field in fields.get(name, ()):
            check_value(field, plain(value), f"{value.place}: {name}")


def _place_for(name: str, fields: Mapping[str, Any], known: Sequence[tuple[_Section, PluginFields | None]]) -> str:
    """Returns where a setting belongs that only one plugin has, or the nearest names."""
    for section, plugin in known:
        if plugin is not None and name in plugin.fields:
            return f"`{section.name}` has it: {dotted((*section.path, name))}."
    return did_you_mean(name, {**SINGLE, **SEVERAL, **OF_THE_RUN, **fields})
