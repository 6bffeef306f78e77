"""Takes out the channels of the least worth, a few at a time while the model trains, or all at once."""

from typing import Literal

import keras
import numpy as np
from keras import ops

from source.compressor._scheduled_masks import ScheduleSettings
from source.compressor.channel_compressor import ChannelCompressor
from source.config.config import CompressorConfig, require
from source.config.settings import settings
from source.graph.channel_groups import Group
from source.graph.channels.flow import Site
from source.layer import weight_paths


@settings
class GroupSettings:
    """What a rule may set.

    Attributes:
        sparsity: share of a group's channels that go, in (0, 1); with scope "global" of all channels together, so that
            rules can only skip.
    """

    sparsity: float = 0.5

    def __post_init__(self) -> None:
        require(0 < self.sparsity < 1, "sparsity", "between 0 and 1", self.sparsity)


@settings
class Config(CompressorConfig, ScheduleSettings, GroupSettings):
    """Settings of filter pruning.

    Attributes:
        score: what is worth least: "l1", mean |w| of what makes a channel; "l2", the root of the mean square;
            "geometric_median", the sum of distances to the other channels of the layer; "batch_norm", |scale| of the
            normalizations; "random".
        scope: "group", each loses its share, or "global", the least of all go, wherever they are.
        least_density: share of its channels that every group keeps at least; one channel always stays.
        multiple: widths of groups are multiples of this, as far as they were before; more than wanted may stay.
        seed: of score "random".
    """

    score: Literal["l1", "l2", "geometric_median", "batch_norm", "random"] = "l1"
    scope: Literal["group", "global"] = "group"
    least_density: float = 0.0
    multiple: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        GroupSettings.__post_init__(self)
        only_skips = not any(isinstance(rule.get("do"), dict) for rule in self.rules)
        require(0 <= self.least_density < 1, "least_density", "at least 0 and below 1", self.least_density)
        require(self.multiple >= 1, "multiple", "at least 1", self.multiple)
        require(
            self.scope == "group" or only_skips, "rules", 'such that they only skip when scope="global"', self.rules
        )
        require(0 <= self.initial_sparsity < 1, "initial_sparsity", "at least 0 and below 1", self.initial_sparsity)
        self.progress()


def build(config: Config) -> "FilterPruning":
    """Returns the compressor.

    Args:
        config: the settings.
    """
    return FilterPruning(config)


class FilterPruning(ChannelCompressor):
    """Channels go in the order of a score; those that go together are scored together.

    Li et al.: Pruning filters for efficient ConvNets, 2017, https://arxiv.org/abs/1608.08710; He et al.: Filter pruning
    via geometric median, 2019, https://arxiv.org/abs/1811.00250
    """

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config, GroupSettings(sparsity=config.sparsity))
        self._ramp = config.progress()

    def next_update(self, step: int) -> int | None:
        """Returns the next step at which channels go."""
        return self._ramp.next_due(step)

    def update(self, step: int) -> None:
        """Takes out the channels of the least scores, as many as the schedule says."""
        if not self._ramp.is_due(step):
            return
        groups = self.chosen(self.groups)
        scores = [self._score(group) for group in groups]
        progress = self._ramp.value(step)
        if self.config.scope == "global":
            density = self.config.density(self.config.sparsity, progress)
            counts = _shares(scores, density, [self._least(group) for group in groups])
        else:
            wanted = [self.config.density(self.settings_of(group).sparsity, progress) for group in groups]
            pairs = zip(wanted, groups, strict=True)
            counts = [max(round(density * len(group)), self._least(group)) for density, group in pairs]
        counts = [self._rounded(count, group) for count, group in zip(counts, groups, strict=True)]
        gone = [
            group.channels[np.argsort(-score, kind="stable")[count:]]
            for group, score, count in zip(groups, scores, counts, strict=True)
        ]
        self.take_out(np.concatenate(gone))

    def _least(self, group: Group) -> int:
        return max(1, round(self.config.least_density * len(group)))

    def _rounded(self, count: int, group: Group) -> int:
        multiple = self.config.multiple
        return min(len(group), -(-count // multiple) * multiple)

    def _score(self, group: Group) -> np.ndarray:
        """Returns what each channel of a group is worth: the mean over the layers that make it, or normalize it."""
        if self.config.score == "random":
            [first] = [index for index, each in enumerate(self.groups.groups) if each is group]
            return np.random.default_rng([self.config.seed, first]).permutation(len(group)).astype(np.float64)
        found = [
            _gathered(self._line(site), places, len(group))
            for site, places in self.sites_of(group)
            if self._counts(site)
        ]
        score = np.mean(found, axis=0) if found else np.ones(len(group))
        return np.where(self.alive(group), score, -1.0)

    def _counts(self, site: Site) -> bool:
        if self.config.score == "batch_norm":
            return isinstance(site.layer, keras.layers.BatchNormalization) and site.weight == "gamma"
        return self.makes(site)

    def _line(self, site: Site) -> np.ndarray:
        """Returns a number for each index of a site's axis."""
        weight = np.asarray(ops.convert_to_numpy(weight_paths.of(site.layer)[site.weight]), np.float64)
        rows = np.moveaxis(weight, site.axis, 0).reshape(weight.shape[site.axis], -1)
        if self.config.score == "l2":
            return np.sqrt(np.square(rows).mean(1))
        if self.config.score == "geometric_median":
            squares = np.square(rows).sum(1)
            return np.sqrt(np.maximum(squares[:, None] + squares - 2 * rows @ rows.T, 0.0)).sum(1)
        return np.abs(rows).mean(1)


def _gathered(line: np.ndarray, places: np.ndarray, count: int) -> np.ndarray:
    """Returns the mean of the numbers that belong to each channel of a group."""
    inside = places >= 0
    sums = np.bincount(places[inside], line[inside], count)
    return sums / np.maximum(np.bincount(places[inside], minlength=count), 1)


def _shares(scores: list[np.ndarray], density: float, least: list[int]) -> list[int]:
    """Returns how many channels each group keeps, so that the highest of all scores stay and no group falls short."""
    everything = np.concatenate(scores)
    owner = np.repeat(np.arange(len(scores)), [len(score) for score in scores])
    # By rank and not by a threshold: of equal scores, such as those of a fresh normalization, only as many may stay.
    stay = np.argsort(-everything, kind="stable")[: round(density * len(everything))]
    kept = np.bincount(owner[stay], minlength=len(scores))
    return [max(int(count), floor) for count, floor in zip(kept, least, strict=True)]
