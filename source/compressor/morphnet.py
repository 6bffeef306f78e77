"""Makes channels small in training by what they cost, until the model fits a budget, and takes out the smallest."""

from typing import Literal

import keras
import numpy as np
from keras import ops

from source.compressor._channel_sites import ChannelSites
from source.compressor._channel_values import ChannelValues, Source, filters, scales, why_no_scale
from source.compressor._cost_regularization import CostRegularization
from source.compressor._gated_morphnet import GatedMorphNet, GatedSettings
from source.compressor.channel_compressor import Chains, makes
from source.compressor.compressor import Calibration
from source.config.config import require
from source.config.errors import ConfigError
from source.config.settings import settings
from source.graph.channel_groups import ChannelGroups, Group
from source.layer.channel_regularizer import ChannelRegularizer
from source.layer.transformation import Tensor
from source.surgery.wrap import inside


@settings
class Config(GatedSettings):
    """Settings of MorphNet.

    Attributes:
        regularizer: what is made small: "group_lasso", the filters that make a channel; "gamma", the scales of the
            batch normalizations that it goes through; or "logistic_sigmoid", the probability of its gate.
        l1_fraction: of "group_lasso": the share of the mean |w| beside the root of the mean square, in [0, 1].
        threshold: at and below which a channel is to go, not negative; gates have `alive_threshold`.
        relative: whether the threshold is a share of the mean of the channel's group, at every look anew.
    """

    regularizer: Literal["group_lasso", "gamma", "logistic_sigmoid"] = "group_lasso"
    l1_fraction: float = 0.0
    threshold: float = 0.01
    relative: bool = True

    def __post_init__(self) -> None:
        self.check()
        require(0 <= self.l1_fraction <= 1, "l1_fraction", "between 0 and 1", self.l1_fraction)
        require(self.threshold >= 0, "threshold", "at least 0", self.threshold)
        require(self.temperature > 0, "temperature", "positive", self.temperature)
        require(0 < self.alive_threshold < 1, "alive_threshold", "between 0 and 1", self.alive_threshold)
        annealing = self.annealing_steps
        require(annealing is None or annealing > 0, "annealing_steps", "positive, or None", annealing)


def build(config: Config) -> CostRegularization:
    """Returns the compressor.

    Args:
        config: the settings.
    """
    return GatedMorphNet(config) if config.regularizer == "logistic_sigmoid" else MorphNet(config)


class MorphNet(CostRegularization):
    """Adds strength * sum of coefficient (A_in R_out + A_out R_in) / cost at the start to the loss of training.

    A are the widths that are left, R sums of the values of channels, and coefficients those of `ChannelCost`: what
    costs much is made small first. Gordon et al.: MorphNet, 2018, https://arxiv.org/abs/1711.06798

    With a budget and no strength given, the strength is changed so that the cost, each channel weighed by its value as
    a share of that at the start, comes down to the budget at an even pace. At the end the channels of the least values
    by their thresholds go, just as many as the budget asks for.
    """

    config: Config

    def prepare(self, model: keras.Model, calibration: Calibration = None) -> keras.Model:
        """Returns a copy of the model whose loss in training has the cost of its channels in it."""
        if self.config.regularizer == "gamma":
            _refuse_without_scales(ChannelGroups(model), self.name)
        return super().prepare(model, calibration)

    def refusal(self, group: Group, groups: ChannelGroups, sites: ChannelSites) -> str | None:
        """Returns why a group is not made small."""
        if self.config.regularizer == "gamma":
            found = any(np.isin(groups.channels_of(each.site.labels), group.channels).any() for each in scales(groups))
            return None if found else why_no_scale(groups, group)
        return None if any(makes(site, groups) for site, _ in sites.of(group)) else "no kernel makes these channels"

    def further_chains(self, groups: ChannelGroups, sites: ChannelSites, chosen: list[Group]) -> dict[int, Chains]:
        """Returns the loss, on the first kernel that makes channels."""
        site = next(site for group in chosen for site, _ in sites.of(group) if makes(site, groups))
        calls = sum(inside(step.operation) is site.layer for step in groups.trace.steps)
        count = sum(len(group) for group in chosen)
        return {id(site.layer): {site.weight: [ChannelRegularizer(count, max(1, calls), owner=self.name)]}}

    def _look(self) -> None:
        self._values = ChannelValues(self.groups, self._price.channels, self._sources())

    def _values_now(self) -> Tensor:
        return self._values.values()

    def _term(self, thresholds: Tensor) -> Tensor:
        r = self._values.values()
        return self._function.regularization(ops.cast(ops.greater(r, thresholds), "float32"), r)

    def _limits(self, values: np.ndarray) -> np.ndarray:
        """Returns the thresholds."""
        found = np.full(len(values), self.config.threshold, np.float32)
        if self.config.relative:  # a scale of the whole group means nothing where a normalization follows
            for places in self._widths.places:
                found[places] *= values[places].mean()
        found[~self._values.known] = -1.0  # so that they stay
        return found

    def _distances(self) -> np.ndarray:
        """Returns each channel's value as a multiple of its threshold; above 1 it is alive."""
        values = self._now().astype(np.float64)
        limits = np.asarray(ops.convert_to_numpy(self._loss.thresholds), np.float64)
        # At a threshold of 0, what is 0 goes first, and the rest by size.
        found = np.where(
            limits > 0, values / np.where(limits > 0, limits, 1.0), np.where(values > 0, 1.0 + values, 0.0)
        )
        return np.where(limits < 0, np.inf, found)

    def _sources(self) -> list[Source]:
        if self.config.regularizer == "gamma":
            return scales(self.groups)
        return filters([site for site in self.groups.sites if self.makes(site)], self.config.l1_fraction)


def _refuse_without_scales(groups: ChannelGroups, name: str) -> None:
    """Refuses a model in which no batch normalization has a scale that trains, naming every group."""
    if scales(groups):
        return
    reasons = "; ".join(f"`{' + '.join(group.producers)}`: {why_no_scale(groups, group)}" for group in groups.prunable)
    raise ConfigError(
        f'{name}: regularizer="gamma" needs batch normalizations with a scale that trains. {reasons}. Use '
        'regularizer="group_lasso".'
    )
