"""Compressors of whole channels: masks on all weights of a group's channels, which surgery cuts out in the end."""

import abc
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from source.compressor.compressor import Calibration, Compressor
from source.compressor.report import Report
from source.compressor.rules import Rules
from source.config.config import CompressorConfig
from source.config.errors import ConfigError
from source.graph.channel_groups import ChannelGroups, Group
from source.graph.channels.flow import Site
from source.graph.trace import trace
from source.layer import weight_paths
from source.layer.channel_mask import ChannelMask
from source.layer.compressed import Compressed
from source.surgery.rewrite import layers_of, refuse_other_models, rewrite
from source.surgery.wrap import inside, wrapped


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
        self._rules: Rules[Any] = Rules(settings, config.rules)
        self._groups: ChannelGroups | None = None

    def prepare(self, model: keras.Model, calibration: Calibration = None) -> keras.Model:
        """Returns a copy of the model with masks that keep everything at first; the model itself stays as it is."""
        refuse_other_models(model)
        self._rules.check_all_match((inside(layer), weight_paths.of(inside(layer))) for layer in layers_of(model))
        groups = ChannelGroups(model)
        if not self.chosen(groups):
            raise ConfigError(
                f"{self.name}: no channel of model `{model.name}` may go. `channel_groups(model).explain(layer)` says "
                "why; look at the rules that skip."
            )
        axes = self._axes(groups)
        prepared = rewrite(model, lambda layer: self._wrapped(layer, axes.get(id(inside(layer)), {})))
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
        """Returns the groups that channels may go from: free ones without doubts that no rule skips.

        Args:
            groups: of the model.
        """
        layers = {step.path: inside(step.operation) for step in groups.trace.steps if step.operation is not None}
        return [
            group
            for group in groups.prunable
            if not group.doubts and all(self._rules.of(layers[path]) is not None for path in group.producers)
        ]

    def settings_of(self, group: Group) -> Any:
        """Returns the settings of a group: those of the layer that makes its channels, the first if several do.

        Args:
            group: a chosen one.
        """
        [layer] = {inside(step.operation) for step in self.groups.trace.steps if step.path == group.name}
        return self._rules.of(layer)

    def alive(self, group: Group) -> np.ndarray:
        """Returns which channels of a group are kept, as booleans in their order.

        Args:
            group: of the model in training.
        """
        return ~np.isin(group.channels, self._gone())

    def take_out(self, gone: np.ndarray) -> None:
        """Masks channels in all their weights; those masked before that are not among them come back.

        Args:
            gone: numbers of all channels that are out from now on.
        """
        for site, mask in self._masks():
            line = ~np.isin(self.groups.channels_of(site.labels), gone)
            mask.kept[site.axis].assign(line)

    def sites_of(self, group: Group) -> list[tuple[Site, np.ndarray]]:
        """Returns the axes where a group's channels are found, each with the place of every index in the group, or -1.

        Args:
            group: of the model in training.
        """
        found = []
        order = np.argsort(group.channels)
        for site in self.groups.sites:
            numbers = self.groups.channels_of(site.labels)
            places = np.searchsorted(group.channels, numbers, sorter=order).clip(max=len(group) - 1)
            index = np.where(group.channels[order[places]] == numbers, order[places], -1)
            if (index >= 0).any():
                found.append((site, index))
        return found

    def makes(self, site: Site) -> bool:
        """Returns whether a site is of a kernel that makes the channels: they are along its axis of outputs."""
        is_kernel = site.weight.rpartition("/")[2].endswith("kernel")
        made = self.groups.flow.producers.get(site.path)
        return is_kernel and made is not None and site.labels is made

    def check_finished(self, model: keras.Model) -> None:
        """Refuses a model that still has all its channels."""
        if not len(self._gone()):
            raise ConfigError(
                f"{self.name}: no channel has been taken out yet: the first step that does is {self.first_step}. "
                "Give `compressor.keras_callback()` to `fit`, or `compression` to the runner's callbacks, and train "
                "that far."
            )

    def report(self, model: keras.Model) -> Report:
        """Returns what is kept of each weight, and how many channels of each group."""
        notes = [
            f"{' + '.join(group.producers)}: {int(self.alive(group).sum())} of {len(group)} channels kept"
            for group in self.chosen(self.groups)
        ]
        return super().report(model).with_notes(*notes)

    @abc.abstractmethod
    def update(self, step: int) -> None:
        """Takes out the channels that are to be out when `step` steps are done."""

    def _take_up(self, model: keras.Model) -> None:
        self._model, self._groups = model, ChannelGroups(model)

    def _gone(self) -> np.ndarray:
        found = [np.zeros(0, np.int64)]
        for site, mask in self._masks():
            kept = np.asarray(ops.convert_to_numpy(mask.kept[site.axis]))
            found.append(self.groups.channels_of(site.labels)[~kept])
        return np.unique(np.concatenate(found))

    def _masks(self) -> Iterator[tuple[Site, ChannelMask]]:
        """Yields every site that has a mask of this compressor's."""
        wrappers = {step.path: step.operation for step in trace(self.model).steps}
        for site in self.groups.sites:
            wrapper = wrappers[site.path]
            chain = wrapper.weight_chains.get(site.weight, []) if isinstance(wrapper, Compressed) else []
            for each in chain:
                if isinstance(each, ChannelMask) and each.owner == self.name and site.axis in each.axes:
                    yield site, each

    def _axes(self, groups: ChannelGroups) -> dict[int, dict[str, list[int]]]:
        """Returns for each layer, by identity, the axes of its weights along which chosen channels lie."""
        chosen = np.concatenate([group.channels for group in self.chosen(groups)])
        found: dict[int, dict[str, list[int]]] = {}
        for site in groups.sites:
            # A mean and a variance of what is masked say nothing, and a variance of 0 would be divided by.
            if np.isin(groups.channels_of(site.labels), chosen).any() and "moving_" not in site.weight:
                found.setdefault(id(site.layer), {}).setdefault(site.weight, []).append(site.axis)
        return found

    def _wrapped(self, layer: keras.layers.Layer, axes: dict[str, list[int]]) -> keras.layers.Layer | None:
        if not axes:
            return None
        chains = {weight: [ChannelMask(sorted(lines), owner=self.name)] for weight, lines in axes.items()}
        return wrapped(layer, weights=chains)
