"""Compressors of whole channels: masks on all weights of a group's channels, which surgery cuts out in the end."""

import abc
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from source.compressor._channel_cost import ChannelCost
from source.compressor._channel_rules import GroupRules
from source.compressor._channel_sites import ChannelSites
from source.compressor.compressor import Calibration, Compressor
from source.compressor.report import Report
from source.config.config import CompressorConfig
from source.config.errors import ConfigError
from source.graph.channel_groups import ChannelGroups, Group
from source.graph.channels.flow import Site
from source.layer import weight_paths
from source.layer.batch_normalized import BatchNormalized
from source.layer.channel_mask import ChannelMask
from source.layer.compressed import Compressed
from source.layer.transformation import Transformation
from source.surgery.rewrite import layers_of, refuse_other_models, rewrite
from source.surgery.wrap import inside, wrapped

Chains = dict[str, list[Transformation]]

_REASONS = 5  # of why nothing may go, in one message


class ChannelCompressor(Compressor):
    """A compressor that takes channels out of a model, some at a time while it trains.

    A channel that is out is masked in every weight that makes it and in every weight that reads it, so that cutting
    it out changes nothing more. Subclasses say which channels go, and when.

    Attributes:
        settings: what a rule may set, and its defaults: an instance of a class made by `settings`. A rule is about the
            layers that make channels; "skip" for one of them leaves all that go together with it.
    """

    settings: Any

    def __init__(self, config: CompressorConfig, settings: Any) -> None:
        super().__init__(config)
        self.settings = settings
        self._rules = GroupRules(settings, config.rules)
        self._groups: ChannelGroups | None = None
        self._cost: ChannelCost | str | None = None

    def prepare(self, model: keras.Model, calibration: Calibration = None) -> keras.Model:
        """Returns a copy of the model with masks that keep everything at first; the model itself stays as it is."""
        refuse_other_models(model)
        layers = [inside(layer) for layer in layers_of(model)]
        self._rules.by_layer.check_all_match((layer, weight_paths.of(layer)) for layer in layers)
        groups = ChannelGroups(model)
        sites = ChannelSites(groups)
        self._rules.check_effects(groups, layers, lambda group: self._held(group, groups, sites))
        chosen = self._chosen_of(groups, sites)
        if not chosen:
            whys = [f"`{' + '.join(each.producers)}`: {self._why_not(each, groups, sites)}" for each in groups.groups]
            raise ConfigError(
                f"{self.name}: no channel of model `{model.name}` may go. {'. '.join(whys[:_REASONS])}. Look at the "
                "rules that skip, and at `channel_groups(model).explain(layer)`."
            )
        chains = self._chains(groups, chosen)
        for layer, weights in self.further_chains(groups, sites, chosen).items():
            for weight, chain in weights.items():
                chains.setdefault(layer, {}).setdefault(weight, []).extend(chain)
        prepared = rewrite(model, lambda layer: self._wrapped(layer, chains.get(id(inside(layer)), {})))
        self._take_up(prepared)
        return prepared

    def attach(self, model: keras.Model, total_steps: int | None = None) -> None:
        """Takes up a model that `prepare` returned, here or before it was saved."""
        super().attach(model, total_steps)
        self._take_up(model)

    @property
    def groups(self) -> ChannelGroups:
        """The channels of the model in training.

        Raises:
            ConfigError: before `prepare` or `attach`.
        """
        if self._groups is None:
            raise ConfigError(f"{self.name}: there is no model yet. Call `prepare(model)` first.")
        return self._groups

    def chosen(self, groups: ChannelGroups) -> list[Group]:
        """Returns the groups that channels may go from: those that nothing holds, see `refusal`.

        Args:
            groups: of the model.
        """
        return self._chosen if groups is self._groups else self._chosen_of(groups, ChannelSites(groups))

    def refusal(self, group: Group, groups: ChannelGroups, sites: ChannelSites) -> str | None:
        """Returns why a group is left alone that may go and that no rule skips; None, as by default, if it is not.

        Args:
            group: any.
            groups: of the model.
            sites: of the groups.
        """
        return None

    def further_chains(self, groups: ChannelGroups, sites: ChannelSites, chosen: list[Group]) -> dict[int, Chains]:
        """Returns for layers, by identity, what weights are seen through after the masks; nothing by default.

        Args:
            groups: of the model.
            sites: of the groups.
            chosen: the groups that channels may go from.
        """
        return {}

    def gone_layers(self) -> set[str]:
        """Returns the paths of layers that are gone though others make their channels too; none by default."""
        return set()

    def settings_of(self, group: Group) -> Any:
        """Returns the settings of a group: those that rules give to the layers that make its channels.

        Args:
            group: a chosen one.
        """
        return self._rules.of(group, self.groups)

    def alive(self, group: Group) -> np.ndarray:
        """Returns which channels of a group are kept, as booleans in their order.

        Args:
            group: of the model in training.
        """
        kept, told = np.ones(len(group), bool), np.zeros(len(group), bool)
        for position, places in self._sites.positions(group):
            mask, within = self._mask_at.get(position), places >= 0
            if mask is not None and not told[places[within]].all():
                line = np.asarray(ops.convert_to_numpy(mask.kept[self.groups.sites[position].axis]))
                kept[places[within]] &= line[within]
                told[places[within]] = True
        return kept

    def take_out(self, gone: np.ndarray) -> None:
        """Masks channels in all their weights; those masked before that are not among them come back.

        Args:
            gone: numbers of all channels that are out from now on.
        """
        is_gone = np.zeros(self.groups.count, bool)
        is_gone[gone] = True
        for position, mask in self._mask_at.items():
            mask.kept[self.groups.sites[position].axis].assign(~is_gone[self._sites.numbers[position]])

    def sites_of(self, group: Group) -> list[tuple[Site, np.ndarray]]:
        """Returns the axes where a group's channels are found, each with the place of every index in the group, or -1.

        Args:
            group: of the model in training.
        """
        return self._sites.of(group)

    def makes(self, site: Site) -> bool:
        """Returns whether a site is of a kernel or table that makes the channels: they are along its axis of outputs.

        Args:
            site: of the model in training.
        """
        return makes(site, self.groups)

    def weight_at(self, site: Site) -> np.ndarray:
        """Returns the weight of a site as the layer sees it, but for the channels that are gone; float64.

        Args:
            site: of the model in training.
        """
        wrapper = self._wrappers.get(site.path)
        if wrapper is None or site.weight not in wrapper.weight_chains:
            return np.asarray(ops.convert_to_numpy(weight_paths.of(site.layer)[site.weight]), np.float64)
        mine = [each for each in wrapper.weight_chains[site.weight] if self._is_mine(each)]
        seen = wrapper.seen_weight(site.weight, before=mine[0] if mine else None)
        return np.asarray(ops.convert_to_numpy(seen), np.float64)

    def check_finished(self, model: keras.Model) -> None:
        """Refuses a model that still has all its channels."""
        if all(self.alive(group).all() for group in self.chosen(self.groups)):
            raise ConfigError(
                f"{self.name}: no channel has been taken out: the first step that does is {self.first_step}. Give "
                "`compressor.keras_callback()` to `fit`, or `compression` to the runner's callbacks, and train that "
                "far. A share that rounds to no channel, `multiple` and `least_density` keep all of them, too."
            )

    def report(self, model: keras.Model) -> Report:
        """Returns what is kept of each weight, how many channels of each group, and what the smaller model costs."""
        notes = [
            f"{' + '.join(group.producers)}: {int(self.alive(group).sum())} of {len(group)} channels kept"
            for group in self.chosen(self.groups)
        ]
        notes += [
            f"{' + '.join(group.producers)}: {len(group)} channels stay: {why}"
            for group in self.groups.groups
            if (why := self._why_not(group, self.groups, self._sites)) is not None
        ]
        return super().report(model).with_notes(*notes, self._cost_note())

    def reason(self, layer: keras.layers.Layer, path: str, variable: keras.Variable) -> str:
        """Returns why a weight is not compressed, a few words."""
        return "skipped by a rule" if self._rules.by_layer.of(layer) is None else "has no channels that may go"

    @abc.abstractmethod
    def update(self, step: int) -> None:
        """Takes out the channels that are to be out when `step` steps are done."""

    def _take_up(self, model: keras.Model) -> None:
        self._model, self._groups, self._cost = model, ChannelGroups(model), None
        self._sites = ChannelSites(self._groups)
        steps = self._groups.trace.steps
        self._wrappers = {step.path: step.operation for step in steps if isinstance(step.operation, Compressed)}
        self._chosen = self._chosen_of(self._groups, self._sites)
        self._mask_at = dict(self._masks())

    def _masks(self) -> Iterator[tuple[int, ChannelMask]]:
        """Yields the position of every site that has a mask of this compressor's."""
        for position, site in enumerate(self.groups.sites):
            wrapper = self._wrappers.get(site.path)
            for each in wrapper.weight_chains.get(site.weight, []) if wrapper is not None else []:
                if isinstance(each, ChannelMask) and self._is_mine(each) and site.axis in each.axes:
                    yield position, each

    def _is_mine(self, transformation: Transformation) -> bool:
        return transformation.owner == self.name

    def _chosen_of(self, groups: ChannelGroups, sites: ChannelSites) -> list[Group]:
        return [group for group in groups.groups if self._why_not(group, groups, sites) is None]

    def _why_not(self, group: Group, groups: ChannelGroups, sites: ChannelSites) -> str | None:
        """Returns why a group keeps all its channels; None for a chosen one."""
        held = self._held(group, groups, sites)
        return "skipped by a rule" if held is None and self._rules.of(group, groups) is None else held

    def _held(self, group: Group, groups: ChannelGroups, sites: ChannelSites) -> str | None:
        """Returns why a group keeps all its channels whatever the rules."""
        if len(group) == 1 and not group.fixed:
            return "they could only go all at once, and one channel has to stay"
        return "; ".join((*group.fixed, *group.doubts)) or self.refusal(group, groups, sites)

    def _cost_note(self) -> str:
        """Returns what the model costs before and after, counted once and scaled by what is kept."""
        if self._cost is None:
            try:
                self._cost = ChannelCost(self.model, self.groups)
            except ConfigError as error:
                self._cost = f"parameters and MACs are not known: {error}"
        if isinstance(self._cost, str):
            return self._cost
        kept = np.ones(self.groups.count, bool)
        for group in self.chosen(self.groups):
            kept[group.channels] = self.alive(group)
        before, after = self._cost.before, self._cost.after(lambda numbers: kept[numbers], self.gone_layers())
        pairs = zip(("parameters", "MACs"), before, after, strict=True)
        return ", ".join(f"{name}: {new:,} of {old:,} ({new / max(1, old):.2%})" for name, old, new in pairs)

    def _chains(self, groups: ChannelGroups, chosen: list[Group]) -> dict[int, Chains]:
        """Returns for each layer, by identity, masks of its weights along which chosen channels lie."""
        is_chosen = np.zeros(groups.count, bool)
        is_chosen[np.concatenate([group.channels for group in chosen])] = True
        axes: dict[int, dict[str, list[int]]] = {}
        for site in groups.sites:
            # A mean and a variance of what is masked say nothing, and a variance of 0 would be divided by.
            if is_chosen[groups.channels_of(site.labels)].any() and "moving_" not in site.weight:
                axes.setdefault(id(site.layer), {}).setdefault(site.weight, []).append(site.axis)
        return {
            layer: {weight: [ChannelMask(sorted(lines), owner=self.name)] for weight, lines in weights.items()}
            for layer, weights in axes.items()
        }

    def _wrapped(self, layer: keras.layers.Layer, chains: Chains) -> keras.layers.Layer | None:
        return wrapped(layer, weights=chains) if chains else None


def makes(site: Site, groups: ChannelGroups) -> bool:
    """Returns whether a site is of a kernel or table that makes the channels: they are along its axis of outputs.

    Args:
        site: of the groups.
        groups: of the model.
    """
    made, name = groups.flow.producers.get(site.path), site.weight.rpartition("/")[2]
    if made is None or not name.endswith(("kernel", "embeddings")):
        return False
    linear = site.layer.linear if isinstance(site.layer, BatchNormalized) else site.layer
    rank = len(weight_paths.of(site.layer)[site.weight].shape)
    is_output = site.axis == weight_paths.channel_axis(linear, site.weight) % rank
    return is_output and bool(np.isin(groups.channels_of(site.labels), groups.channels_of(made)).all())
