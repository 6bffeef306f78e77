"""Trains scales of batch normalizations towards zero, and takes out the channels whose scales have got there."""

from collections.abc import Iterator
from typing import Literal

import numpy as np

from source.compressor._channel_sites import ChannelSites, Found, gathered, is_scale
from source.compressor._scheduled_channels import ScheduledChannels, ScheduledChannelsConfig
from source.compressor.channel_compressor import Chains
from source.config.config import require
from source.config.settings import settings
from source.graph.channel_groups import ChannelGroups, Group
from source.layer import weight_paths
from source.layer.scale_penalty import ScalePenalty

_TENTHS = 10  # steps in which the strength rises


@settings
class Config(ScheduledChannelsConfig):
    """Settings of network slimming.

    Attributes:
        strength: of the sum of all |scale| beside the loss, positive, or 0 for a model whose scales are sparse already.
        warmup_steps: over which the strength rises from 0, in ten steps; 0 lets it be whole at once. It ends where the
            schedule does: what follows is fine-tuning.
        scope: "global", the least scales of all go, wherever they are, or "group", each group loses its share.
        threshold: takes out every channel below this |scale| in the place of a share; None goes by `sparsity`.
        combine: what a channel with several normalizations is worth: the largest of their |scale|, or their mean.
    """

    strength: float = 1e-4
    warmup_steps: int = 0
    scope: Literal["global", "group"] = "global"
    threshold: float | None = None
    combine: Literal["max", "mean"] = "max"

    def __post_init__(self) -> None:
        self.check(self.scope)
        require(self.strength >= 0, "strength", "at least 0", self.strength)
        require(self.warmup_steps >= 0, "warmup_steps", "at least 0", self.warmup_steps)
        require(self.threshold is None or self.threshold > 0, "threshold", "positive, or None", self.threshold)


def build(config: Config) -> "NetworkSlimming":
    """Returns the compressor.

    Args:
        config: the settings.
    """
    return NetworkSlimming(config)


class NetworkSlimming(ScheduledChannels):
    """An L1 penalty on scales while channels go, and none after that.

    Liu et al.: Learning efficient convolutional networks through network slimming, 2017,
    https://arxiv.org/abs/1708.06519. Channels that are added go together: the largest of their scales counts, as in
    Gordon et al.: MorphNet, 2018, https://arxiv.org/abs/1711.06798.
    """

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config, config.scope)

    @property
    def first_step(self) -> int | None:
        """The step at which channels first go."""
        return self.ramp.next_due(-1)

    def next_update(self, step: int) -> int | None:
        """Returns the next step at which channels go, or the strength of the penalty changes."""
        steps = [each for each in (self.ramp.next_due(step), self._next_strength(step)) if each is not None]
        return min(steps, default=None)

    def update(self, step: int) -> None:
        """Takes out what is due, and sets the strength of the penalty."""
        super().update(step)
        strength = self.strength_at(step)
        for _, _, penalty in self._mine(self.model, ScalePenalty):
            penalty.strength.assign(strength)

    def strength_at(self, step: int) -> float:
        """Returns the strength of the penalty in a step: 0 once the schedule has ended.

        Args:
            step: steps done.
        """
        if step >= self.ramp.last_step:
            return 0.0
        if not self.config.warmup_steps:
            return self.config.strength
        tenths = min(_TENTHS, _TENTHS * step // self.config.warmup_steps)
        return self.config.strength * tenths / _TENTHS

    def refusal(self, group: Group, groups: ChannelGroups, sites: ChannelSites) -> str | None:
        """Returns why scales say nothing of a group."""
        covered = np.zeros(len(group), bool)
        for _, places in _scales(group, sites):
            covered[places[places >= 0]] = True
        if covered.all():
            return None
        frozen = any(is_scale(site.layer, site.weight) for site, _ in sites.of(group))
        if frozen:
            return "their batch normalization is frozen, so that its scale is not trained"
        return "no batch normalization with a scale follows them all (`scale=True`)"

    def further_chains(self, groups: ChannelGroups, sites: ChannelSites, chosen: list[Group]) -> dict[int, Chains]:
        """Returns a penalty for each scale, on the channels that may go, and switches of branches that go."""
        places: dict[tuple[int, str], set[int]] = {}
        for group in chosen:
            for site, found in _scales(group, sites):
                places.setdefault((id(site.layer), site.weight), set()).update(np.flatnonzero(found >= 0).tolist())
        calls: dict[str, int] = {}
        for step in groups.trace.steps:
            calls[step.path] = calls.get(step.path, 0) + 1
        paths = {id(site.layer): site.path for site in groups.sites}
        chains = super().further_chains(groups, sites, chosen)
        for (layer, weight), which in places.items():
            penalty = ScalePenalty(sorted(which), calls=calls[paths[layer]], owner=self.name)
            chains.setdefault(layer, {}).setdefault(weight, []).insert(0, penalty)
        return chains

    def scores(self, groups: list[Group]) -> list[np.ndarray]:
        """Returns |scale| of each channel, of several the largest or the mean."""
        return [self._score(group) for group in groups]

    def wanted(self, groups: list[Group], scores: list[np.ndarray], progress: float) -> list[int]:
        """Returns how many channels each group is to keep: by their share, or by the threshold."""
        if self.config.threshold is None:
            return super().wanted(groups, scores, progress)
        return [int((score >= self.config.threshold).sum()) for score in scores]

    def _score(self, group: Group) -> np.ndarray:
        found, counts = np.zeros((2, len(group)))
        for site, places in _scales(group, self._sites):
            line = gathered(np.abs(self.weight_at(site)), places, len(group))
            found = np.maximum(found, line) if self.config.combine == "max" else found + line
            counts[places[places >= 0]] += 1
        return found if self.config.combine == "max" else found / np.maximum(counts, 1)

    def _next_strength(self, step: int) -> int | None:
        """Returns the next step at which the strength is another."""
        changes = [0, *(-(-self.config.warmup_steps * tenth // _TENTHS) for tenth in range(1, _TENTHS + 1))]
        ahead = [each for each in changes if step < each < self.ramp.last_step]
        return min(ahead, default=None)


def _scales(group: Group, sites: ChannelSites) -> Iterator[Found]:
    """Yields the sites of a group that are trained scales."""
    for site, places in sites.of(group):
        if is_scale(site.layer, site.weight) and weight_paths.of(site.layer)[site.weight].trainable:
            yield site, places
