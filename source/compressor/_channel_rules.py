"""Which settings a group of channels has, after the rules about the layers that make it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras

from source.compressor.rules import Match, Rules
from source.config.errors import ConfigError
from source.config.settings import from_mapping
from source.graph.channel_groups import ChannelGroups, Group
from source.surgery.wrap import inside


class GroupRules:
    """Settings for each group: those of the layers that make its channels.

    "skip" for one of them leaves the group alone; settings for one of them hold for all.
    """

    def __init__(self, defaults: Any, rules: Sequence[Mapping[str, Any]]) -> None:
        """Reads the rules.

        Args:
            defaults: what holds where no rule matches, made by a class of `settings`.
            rules: mappings of `match` and `do`.

        Raises:
            ConfigError: naming the rule and what is wrong in it.
        """
        self.by_layer: Rules[Any] = Rules(defaults, rules)
        self._defaults = defaults
        self._matches = [from_mapping(Match, rule.get("match", {}), "rules") for rule in rules]

    def of(self, group: Group, groups: ChannelGroups) -> Any:
        """Returns the settings of a group; None where a rule skips it.

        Args:
            group: any.
            groups: of the model.

        Raises:
            ConfigError: where rules give layers that make channels together different settings.
        """
        layers = makers(groups)
        found = {path: self.by_layer.of(layers[path]) for path in group.producers}
        if None in found.values():
            return None
        other = {path: settings for path, settings in found.items() if settings != self._defaults}
        first = next(iter(other.values()), self._defaults)
        for path, settings in other.items():
            if settings != first:
                raise ConfigError(
                    f"rules: layers `{next(iter(other))}` and `{path}` make the same channels, so they need the same "
                    f"settings. Received: {first} and {settings}."
                )
        return first

    def check_effects(
        self, groups: ChannelGroups, layers: Sequence[keras.layers.Layer], why_not: Callable[[Group], str | None]
    ) -> None:
        """Refuses a rule that no group heeds.

        Args:
            groups: of the model.
            layers: of the model, those inside wrappers.
            why_not: says why a group is left alone whatever the rules.

        Raises:
            ConfigError: naming the rule and a layer that it is about.
        """
        making, whys = makers(groups), {id(group): why_not(group) for group in groups.groups}
        free = [making[path] for group in groups.groups if whys[id(group)] is None for path in group.producers]
        for index, match in enumerate(self._matches):
            if not any(match.holds(layer) for layer in free):
                about = next((layer.name for layer in layers if match.holds(layer)), None)
                raise ConfigError(
                    f"rules[{index}].match: {_without_effect(about, groups, whys)} Rules are about layers that make "
                    "channels which may go, by their `name` or `type`."
                )


def makers(groups: ChannelGroups) -> dict[str, keras.layers.Layer]:
    """Returns the layers of a model by their paths; those inside, where they are wrapped.

    Args:
        groups: of the model.
    """
    return {step.path: inside(step.operation) for step in groups.trace.steps if step.operation is not None}


def _without_effect(name: str | None, groups: ChannelGroups, whys: Mapping[int, str | None]) -> str:
    if name is None:
        return "a rule about channels cannot name a `weight`."
    for group in groups.groups:
        if any(path.rpartition("/")[2] == name for path in group.producers):
            return f"the channels of `{name}` stay anyway: {whys[id(group)]}."
    return f"layer `{name}` makes no channels of its own."
