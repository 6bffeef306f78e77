"""Which layers and weights a compressor treats how: settings, and rules that override them where they match."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import keras

from source.config.config import Names
from source.config.errors import ConfigError
from source.config.nearest import did_you_mean
from source.config.settings import from_mapping, settings

T = TypeVar("T")


@settings
class Match:
    """What a rule is about. All that is given must hold.

    Attributes:
        name: regular expression that the whole name of the layer matches.
        type: names of classes, one of which the layer is, or extends; such as "Conv2D".
        weight: regular expression that the path of the weight below the layer matches, or its last part; such as
            "kernel" or "query/.*".
    """

    name: str | None = None
    type: Names = ()
    weight: str | None = None

    def __post_init__(self) -> None:
        for key in ("name", "weight"):
            try:
                re.compile(getattr(self, key) or "")
            except re.error as error:
                raise ValueError(
                    f"`{key}` is no regular expression: {error}. Received: {getattr(self, key)!r}."
                ) from None

    def holds(self, layer: keras.layers.Layer, path: str | None = None) -> bool:
        """Returns whether a layer, or one weight of it, is meant.

        Args:
            layer: the layer itself, not a wrapper.
            path: of the weight; None asks about the layer as a whole.
        """
        if self.name is not None and not re.fullmatch(self.name, layer.name):
            return False
        if self.type and not {kind.__name__ for kind in type(layer).__mro__} & set(self.type):
            return False
        if self.weight is None or path is None:
            return self.weight is None
        return any(re.fullmatch(self.weight, text) for text in (path, path.rpartition("/")[2]))


class Rules(Generic[T]):
    """Settings of type T for each layer and weight, after the rules that match.

    Every rule that matches applies, in order: later ones override earlier ones, setting by setting.
    """

    def __init__(self, defaults: T, rules: Sequence[Mapping[str, Any]], where: str = "rules") -> None:
        """Reads the rules.

        Args:
            defaults: what holds where no rule matches, made by a class of `settings`.
            rules: mappings of `match` and `do`; `do` is a mapping of settings of T, or "skip".
            where: the path of the rules in the configuration, for messages.

        Raises:
            ConfigError: naming the rule and what is wrong in it.
        """
        self._defaults = defaults
        self._where = where
        self._rules = [self._read(rule, f"{where}[{index}]") for index, rule in enumerate(rules)]

    def of(self, layer: keras.layers.Layer, path: str | None = None) -> T | None:
        """Returns the settings of a layer, or of one weight of it; None where the last matching rule says "skip".

        Args:
            layer: the layer itself, not a wrapper.
            path: of the weight below the layer.
        """
        found = self._overrides(layer, path)
        if found is None:
            return None
        given = {name: getattr(self._defaults, name) for name in type(self._defaults).__dataclass_fields__}  # type: ignore[attr-defined]
        return from_mapping(type(self._defaults), {**given, **found}, self._where)

    def values(self, setting: str) -> set[Any]:
        """Returns what a setting is anywhere: its default, and what rules make of it.

        Args:
            setting: its name.
        """
        return {getattr(self._defaults, setting)} | {do[setting] for _, do in self._rules if do and setting in do}

    def sets(self, layer: keras.layers.Layer, path: str | None, setting: str) -> bool:
        """Returns whether a rule gives a layer, or one weight of it, a setting, and none skips it after that.

        Args:
            layer: the layer itself, not a wrapper.
            path: of the weight below the layer.
            setting: name of the setting.
        """
        return setting in (self._overrides(layer, path) or {})

    def naming(self, layer: keras.layers.Layer, path: str) -> str | None:
        """Returns where the last rule stands that names this weight by `weight` and does not skip it; None if none.

        Args:
            layer: the layer itself, not a wrapper.
            path: of the weight below the layer.
        """
        found = None
        for index, (match, do) in enumerate(self._rules):
            if match.weight is not None and match.holds(layer, path):
                found = None if do is None else f"{self._where}[{index}]"
        return found

    def check_all_match(self, layers: Iterable[tuple[keras.layers.Layer, Iterable[str]]]) -> None:
        """Refuses a rule that matches nothing.

        Args:
            layers: every layer with the paths of its weights.

        Raises:
            ConfigError: naming the rule, and the nearest layer.
        """
        listed = [(layer, [None, *paths]) for layer, paths in layers]
        for index, (match, _) in enumerate(self._rules):
            if not any(match.holds(layer, path) for layer, paths in listed for path in paths):
                raise ConfigError(f"{self._where}[{index}].match: {_nothing(match, [layer for layer, _ in listed])}")

    def _overrides(self, layer: keras.layers.Layer, path: str | None) -> dict[str, Any] | None:
        """Returns what the rules that match say together; None where the last one skips."""
        found: dict[str, Any] | None = {}
        for match, do in self._rules:
            if match.holds(layer, path):
                found = None if do is None else {**(found or {}), **do}
        return found

    def _read(self, rule: Mapping[str, Any], where: str) -> tuple[Match, dict[str, Any] | None]:
        for key in rule:
            if key not in ("match", "do"):
                raise ConfigError(f"{where}.{key}: unknown setting. {did_you_mean(key, ('match', 'do'))}")
        if "do" not in rule:
            raise ConfigError(f'{where}: a rule needs `do`: settings, or "skip". Received: {dict(rule)!r}.')
        match, do = from_mapping(Match, rule.get("match", {}), f"{where}.match"), rule["do"]
        if do == "skip":
            return match, None
        if not isinstance(do, Mapping) or not do:
            raise ConfigError(f'{where}.do: expected a mapping of settings, or "skip". Received: {do!r}.')
        from_mapping(type(self._defaults), {**vars(self._defaults), **do}, f"{where}.do")
        return match, dict(do)


def _nothing(match: Match, layers: Sequence[keras.layers.Layer]) -> str:
    """Returns what to say of a match without any layer."""
    names = [layer.name for layer in layers]
    if match.name is not None and not any(re.fullmatch(match.name, name) for name in names):
        return f"no layer is called `{match.name}`. {did_you_mean(match.name, names)}"
    kinds = {kind.__name__ for layer in layers for kind in type(layer).__mro__[:-1]}
    for kind in match.type:
        if kind not in kinds:
            return f"no layer is a `{kind}`. {did_you_mean(kind, kinds)}"
    return f"no weight is called so. Received: name={match.name!r}, type={match.type!r}, weight={match.weight!r}."
