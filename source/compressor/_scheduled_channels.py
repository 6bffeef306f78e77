"""What compressors share that take the channels of the least scores out by a schedule: how many, and which."""

import abc
from collections.abc import Iterator

import numpy as np

from source.compressor._branches import reading_nothing, switches
from source.compressor._channel_sites import ChannelSites
from source.compressor._scheduled_masks import ScheduleSettings
from source.compressor.channel_compressor import Chains, ChannelCompressor
from source.config.config import CompressorConfig, require
from source.config.settings import settings
from source.graph.channel_groups import ChannelGroups, Group
from source.layer.branch_switch import BranchSwitch
from source.sparsity.ramp import Cyclic, Ramp


@settings
class GroupSettings:
    """What a rule may set.

    Attributes:
        sparsity: share of a group's channels that go, in (0, 1]; 1 takes out the whole branch of a sum or a
            concatenation. With scope "global" of all channels together, below 1, so that rules can only skip.
    """

    sparsity: float = 0.5

    def __post_init__(self) -> None:
        require(0 < self.sparsity <= 1, "sparsity", "above 0 and at most 1", self.sparsity)


@settings
class ScheduledChannelsConfig(CompressorConfig, ScheduleSettings, GroupSettings):
    """Settings of how many channels go, and when.

    Attributes:
        least_density: share of its channels that every group keeps at least; one channel always stays, unless
            `sparsity` is 1.
        multiple: widths of groups are multiples of this, as far as they were before; more than wanted may stay.
    """

    least_density: float = 0.0
    multiple: int = 1

    def check(self, scope: str) -> None:
        """Refuses settings that cannot be.

        Args:
            scope: "group" or "global".
        """
        GroupSettings.__post_init__(self)
        require(scope == "group" or self.sparsity < 1, "sparsity", 'below 1 when scope="global"', self.sparsity)
        only_skips = not any(isinstance(rule.get("do"), dict) for rule in self.rules)
        require(0 <= self.least_density < 1, "least_density", "at least 0 and below 1", self.least_density)
        require(self.multiple >= 1, "multiple", "at least 1", self.multiple)
        require(scope == "group" or only_skips, "rules", 'such that they only skip when scope="global"', self.rules)
        require(0 <= self.initial_sparsity < 1, "initial_sparsity", "at least 0 and below 1", self.initial_sparsity)
        self.progress()


class ScheduledChannels(ChannelCompressor):
    """A compressor that takes out the channels of the least scores at the steps of a ramp.

    Channels that are out stay out, unless the schedule is cyclic.
    """

    config: ScheduledChannelsConfig

    def __init__(self, config: ScheduledChannelsConfig, scope: str) -> None:
        super().__init__(config, GroupSettings(sparsity=config.sparsity))
        self.ramp: Ramp = config.progress()
        self._is_global = scope == "global"

    def next_update(self, step: int) -> int | None:
        """Returns the next step at which channels go."""
        return self.ramp.next_due(step)

    def update(self, step: int) -> None:
        """Takes out the channels of the least scores, as many as the schedule says."""
        if not self.ramp.is_due(step):
            return
        groups = self.chosen(self.groups)
        scores = self.scores(groups)
        if not isinstance(self.ramp, Cyclic):
            scores = [np.where(self.alive(group), score, -1.0) for group, score in zip(groups, scores, strict=True)]
        counts = self._counts(groups, scores, self.ramp.value(step))
        gone = [
            group.channels[np.argsort(-score, kind="stable")[count:]]
            for group, score, count in zip(groups, scores, counts, strict=True)
        ]
        self.take_out(np.concatenate(gone))
        for switch in self._switches():
            switch.on.assign(switch.branch not in self._emptied())

    def further_chains(self, groups: ChannelGroups, sites: ChannelSites, chosen: list[Group]) -> dict[int, Chains]:
        """Returns switches of what branches add that go as a whole."""
        emptied = [group for group in chosen if self._rules.of(group, groups).sparsity == 1]
        return switches(groups, emptied, owner=self.name)

    def gone_layers(self) -> set[str]:
        """Returns the paths of the layers of branches that are gone as a whole."""
        gone = [group for group in self.chosen(self.groups) if group.name in self._emptied()]
        return {step.path for group in gone for step in reading_nothing(self.groups, group)}

    @abc.abstractmethod
    def scores(self, groups: list[Group]) -> list[np.ndarray]:
        """Returns what each channel of each group is worth, not negative.

        Args:
            groups: the chosen ones.
        """

    def wanted(self, groups: list[Group], scores: list[np.ndarray], progress: float) -> list[int]:
        """Returns how many channels each group is to keep, before floors and multiples.

        Args:
            groups: the chosen ones.
            scores: of their channels; -1 for those that are out.
            progress: value of the ramp.
        """
        if self._is_global:
            return _shares(scores, self.config.density(self.config.sparsity, progress))
        densities = [self.config.density(self.settings_of(group).sparsity, progress) for group in groups]
        return [round(density * len(group)) for density, group in zip(densities, groups, strict=True)]

    def _counts(self, groups: list[Group], scores: list[np.ndarray], progress: float) -> list[int]:
        counts = zip(self.wanted(groups, scores, progress), groups, strict=True)
        return [self._rounded(max(count, self._least(group)), group) for count, group in counts]

    def _switches(self) -> Iterator[BranchSwitch]:
        for wrapper in self._wrappers.values():
            for chain in wrapper.weight_chains.values():
                yield from (each for each in chain if isinstance(each, BranchSwitch) and self._is_mine(each))

    def _emptied(self) -> set[str]:
        return {group.name for group in self.chosen(self.groups) if not self.alive(group).any()}

    def _least(self, group: Group) -> int:
        if self.settings_of(group).sparsity == 1:
            return 0
        return max(1, round(self.config.least_density * len(group)))

    def _rounded(self, count: int, group: Group) -> int:
        multiple = self.config.multiple
        return min(len(group), -(-count // multiple) * multiple)


def _shares(scores: list[np.ndarray], density: float) -> list[int]:
    """Returns how many channels each group keeps, so that the highest of all scores stay."""
    everything = np.concatenate(scores)
    owner = np.repeat(np.arange(len(scores)), [len(score) for score in scores])
    # By rank and not by a threshold: of equal scores, such as those of a fresh normalization, only as many may stay.
    stay = np.argsort(-everything, kind="stable")[: round(density * len(everything))]
    return [int(count) for count in np.bincount(owner[stay], minlength=len(scores))]
