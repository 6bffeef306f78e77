"""The settings of one plugin in a recipe, and of the plugins and rules that stand in them, checked by their sources."""

from collections.abc import Iterator, Mapping

from source.config.errors import ConfigError, UnknownNameError
from source.config.nearest import did_you_mean
from source.config.plugin_fields import Field, PluginFields, check_value, plugin_fields
from source.config.recipe.tree import Path, dotted, plain
from source.config.recipe.yaml_text import Located
from source.config.shown import shown
from source.config.training_share import is_share

_COMPRESSOR = "compressor"
_MEMBERS = "members"
_RULES = "rules"
_RULE_KEYS = ("match", "do")
_SKIP = "skip"


def check_plugin(room: str, name: str, settings: Located, named: Located, path: Path) -> PluginFields | None:
    """Returns what is known of a plugin; None for one of somebody else's, whose settings are not checked here.

    Args:
        room: of the plugin.
        name: of the plugin.
        settings: of this plugin alone.
        named: where its name stands.
        path: where it stands in the recipe.

    Raises:
        UnknownNameError: for a plugin that does not exist, with the nearest names.
        ConfigError: naming file, line and path of a setting that it does not have or that has another type.
    """
    try:
        known = plugin_fields(room, name)
    except (UnknownNameError, ConfigError) as error:
        said = str(error).removeprefix(f"{room} ")
        said = said.partition(": ")[2] if path[-1:] == (name,) else said
        raise type(error)(f"{named.place}: {dotted(path)}: {said}") from None
    if known is None:
        return None
    for key, value in settings.value.items():
        where = (*path, key)
        if key not in known.fields:
            hint = did_you_mean(key, known.fields) if known.fields else "It has no settings."
            raise ConfigError(f"{value.place}: {dotted(where)}: unknown setting of `{name}`. {hint}")
        if room != _COMPRESSOR or not is_share(key, plain(value)):
            check_value(known.fields[key], plain(value), f"{value.place}: {dotted(where)}")
        if room == _COMPRESSOR:
            _check_list(key, value, known, where)
    return known


def _check_list(key: str, value: Located, known: PluginFields, path: Path) -> None:
    """Checks the members of a chain, and the rules of a compressor."""
    if key == _MEMBERS:
        for place, member in _mappings(value, path):
            _check_member(member, place)
    if key == _RULES:
        for place, rule in _mappings(value, path):
            _check_rule(rule, known.fields, place)


def _mappings(value: Located, path: Path) -> Iterator[tuple[Path, Located]]:
    """Yields the mappings of a list with their paths; JSON text of them is left to the plugin."""
    for index, each in enumerate(value.value if isinstance(value.value, list) else ()):
        if isinstance(each.value, dict):
            yield (*path, str(index)), each


def _check_member(member: Located, path: Path) -> None:
    name = member.value.get("name", Located(None, member.place))
    if not isinstance(name.value, str) or not name.value:
        raise ConfigError(
            f"{name.place}: {dotted((*path, 'name'))}: expected the name of a compressor; see `espalier list "
            f"{_COMPRESSOR}`. Received: {shown(plain(name))}."
        )
    settings = Located({key: value for key, value in member.value.items() if key != "name"}, member.place)
    check_plugin(_COMPRESSOR, name.value, settings, name, path)


def _check_rule(rule: Located, fields: Mapping[str, Field], path: Path) -> None:
    for key, value in rule.value.items():
        if key not in _RULE_KEYS:
            raise ConfigError(
                f"{value.place}: {dotted((*path, key))}: unknown setting of a rule. {did_you_mean(key, _RULE_KEYS)}"
            )
    do = rule.value.get("do")
    if do is None:
        raise ConfigError(f'{rule.place}: {dotted(path)}: a rule needs `do`: settings, or "{_SKIP}".')
    if not isinstance(do.value, dict):
        if do.value != _SKIP:
            raise ConfigError(
                f'{do.place}: {dotted((*path, "do"))}: expected settings, or "{_SKIP}". Received: {shown(plain(do))}.'
            )
        return
    for key, value in do.value.items():
        if key in fields and not is_share(key, plain(value)):
            check_value(fields[key], plain(value), f"{value.place}: {dotted((*path, 'do', key))}")
