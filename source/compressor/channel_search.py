"""Finds a width for each layer under a budget, by what the model loses when a layer is narrowed."""

import math
from typing import Literal

import keras
import numpy as np

from source.compressor._channel_scores import magnitudes
from source.compressor._channel_sites import ChannelSites, gathered
from source.compressor._width_search import (
    Levels,
    Metric,
    OutputLoss,
    Target,
    WidthCost,
    WidthSearch,
    check_examples,
    narrowed,
    widths_of,
)
from source.compressor.channel_compressor import ChannelCompressor, makes
from source.compressor.compressor import Calibration
from source.compressor.report import Report
from source.config.config import CompressorConfig, require
from source.config.errors import ConfigError
from source.config.settings import settings
from source.graph.channel_groups import ChannelGroups, Group


@settings
class GroupSettings:
    """What a rule may set.

    Attributes:
        least_density: share of its channels that a group keeps at least, at least 0 and below 1; one always stays.
    """

    least_density: float = 0.0

    def __post_init__(self) -> None:
        require(0 <= self.least_density < 1, "least_density", "at least 0 and below 1", self.least_density)


@settings
class Config(CompressorConfig, GroupSettings):
    """Settings of a search for widths.

    Attributes:
        target: what is to be saved: "macs", "parameters", or "bytes" of all weights as they are stored.
        budget: share of it that may be left, in (0, 1).
        metric: what is lost when a group is narrowed: "sqnr", noise over signal at the outputs; "kl", the divergence of
            their softmax; "agreement", the share of examples that get another class; "accuracy", the share whose
            class is wrong, which needs labels.
        score: which channels of a group go first: of the least "l1", mean |w| of what makes a channel; "l2", the root
            of the mean square; "geometric_median", the sum of distances to the others.
        portions: how many widths each group is tried with, at least 2.
        multiple: widths are multiples of this, as far as they were before.
        begin_step: at which the search is made and channels go; 0 is before the first step of training.
    """

    target: Target = "macs"
    budget: float = 0.5
    metric: Metric = "sqnr"
    score: Literal["l1", "l2", "geometric_median"] = "l1"
    portions: int = 8
    multiple: int = 1
    begin_step: int = 0

    def __post_init__(self) -> None:
        GroupSettings.__post_init__(self)
        require(0 < self.budget < 1, "budget", "between 0 and 1", self.budget)
        for name, least in (("portions", 2), ("multiple", 1), ("begin_step", 0)):
            require(getattr(self, name) >= least, name, f"at least {least}", getattr(self, name))


def build(config: Config) -> "ChannelSearch":
    """Returns the compressor.

    Args:
        config: the settings.
    """
    return ChannelSearch(config)


class ChannelSearch(ChannelCompressor):
    """Narrows, again and again, the group that loses least for what it saves, until a budget is met.

    What is lost is measured for each group alone with the weights as they are, and taken to add up, as in Yang et al.:
    NetAdapt, 2018, https://arxiv.org/abs/1804.03230, but without training between the steps.

    Attributes:
        found: what the last search found; None before.
    """

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config, GroupSettings(least_density=config.least_density))
        self.found: WidthSearch | None = None
        self._examples: Calibration = None

    @property
    def needs_calibration(self) -> bool:
        """Whether `prepare` must see inputs: yes."""
        return True

    def prepare(self, model: keras.Model, calibration: Calibration = None) -> keras.Model:
        """Returns a copy of the model with masks that keep everything at first; the model itself stays as it is.

        Args:
            model: functional or sequential, built.
            calibration: inputs that the search runs the model on; for metric "accuracy" a pair of inputs and labels.
        """
        prepared = super().prepare(model, calibration)
        self.take_examples(calibration)
        self.found = None
        return prepared

    def take_examples(self, calibration: Calibration) -> None:
        """Sets the examples of the search; a compressor that takes up a loaded model needs them again before it.

        Args:
            calibration: as for `prepare`.

        Raises:
            ConfigError: for none, or for labels that are missing.
        """
        check_examples(calibration, self.config.metric, self.name)
        self._examples = calibration

    def refusal(self, group: Group, groups: ChannelGroups, sites: ChannelSites) -> str | None:
        """Returns why a group has no score."""
        if any(makes(site, groups) for site, _ in sites.of(group)):
            return None
        return f'no kernel makes them, which score="{self.config.score}" looks at'

    def next_update(self, step: int) -> int | None:
        """Returns the step of the search as long as it lies ahead."""
        return self.config.begin_step if step < self.config.begin_step else None

    def update(self, step: int) -> None:
        """Searches, and takes channels out; does nothing where some are out already."""
        groups = self.chosen(self.groups)
        if step < self.config.begin_step or not all(self.alive(group).all() for group in groups):
            return
        orders = [np.argsort(-self._score(group), kind="stable") for group in groups]
        self.found = self._search(groups, orders)
        self._narrow(groups, orders, list(self.found.widths.values()))

    def report(self, model: keras.Model) -> Report:
        """Returns what is kept, and what was searched if this compressor did it."""
        report = super().report(model)
        if self.found is None:
            return report
        found, budget = self.found, self._allowed(self.found.whole)
        lines = [f"{self.config.target}: {found.cost:,} of {budget:,} allowed, at least {found.least:,}"]
        for name, losses in found.losses.items():
            alone = ", ".join(f"{width} {self._loss_text(loss)}" for width, loss in losses.items())
            lines.append(f"{name}: {found.widths[name]} channels{'; alone ' if alone else ''}{alone}")
        return report.with_notes(*lines)

    def _search(self, groups: list[Group], orders: list[np.ndarray]) -> WidthSearch:
        check_examples(self._examples, self.config.metric, self.name)
        widths = [self._widths(group) for group in groups]
        costs = WidthCost(self.model, self.groups, self.config.target)
        losses = OutputLoss(self.model, self._examples, self.config.metric)

        def cost(levels: Levels) -> int:
            chosen = [each[level] for each, level in zip(widths, levels, strict=True)]
            kept = np.ones(self.groups.count, bool)
            kept[self._gone(groups, orders, chosen)] = False
            return costs.after(kept)

        def loss(group: int, level: int) -> float:
            if level == 0:
                return losses.at_start
            alone = [each[level if index == group else 0] for index, each in enumerate(widths)]
            self._narrow(groups, orders, alone)
            return losses.now()

        budget, least = self._allowed(costs.whole), cost([len(each) - 1 for each in widths])
        if least > budget:
            raise ConfigError(
                f"{self.name}: `budget` cannot be met: with the narrowest widths {least:,} of {costs.whole:,} "
                f"{self.config.target} are left. Received: budget={self.config.budget}; raise it to "
                f"{math.ceil(100 * least / costs.whole) / 100}, allow more `portions`, or lower `least_density`."
            )
        return narrowed([" + ".join(group.producers) for group in groups], widths, cost, budget, loss)

    def _allowed(self, whole: int) -> int:
        return math.floor(self.config.budget * whole)

    def _widths(self, group: Group) -> list[int]:
        least = max(1, round(self.settings_of(group).least_density * len(group)))
        return widths_of(len(group), self.config.portions, least, self.config.multiple)

    def _narrow(self, groups: list[Group], orders: list[np.ndarray], widths: list[int]) -> None:
        self.take_out(self._gone(groups, orders, widths))

    def _gone(self, groups: list[Group], orders: list[np.ndarray], widths: list[int]) -> np.ndarray:
        out = [group.channels[order[width:]] for group, order, width in zip(groups, orders, widths, strict=True)]
        return np.concatenate(out)

    def _score(self, group: Group) -> np.ndarray:
        """Returns what each channel of a group is worth: the mean over the layers that make it."""
        found = [
            gathered(magnitudes(self.weight_at(site), site.axis, self.config.score), places, len(group))
            for site, places in self.sites_of(group)
            if self.makes(site)
        ]
        return np.mean(found, axis=0)

    def _loss_text(self, loss: float) -> str:
        if self.config.metric == "sqnr":
            return f"{-10 * math.log10(loss):.1f} dB" if loss else "inf dB"
        return f"{loss:.3g} nats" if self.config.metric == "kl" else f"{loss:.2%}"
