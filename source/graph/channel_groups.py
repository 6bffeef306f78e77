"""Groups of channels that can only go together, found by following every call of a model."""

import dataclasses
from collections import defaultdict
from functools import cached_property

import keras
import numpy as np

from source.config.errors import UnknownNameError
from source.config.nearest import did_you_mean
from source.graph.channels.flow import Flow, Site
from source.graph.channels.handler import handler_of
from source.graph.trace import Step, Trace, trace


@dataclasses.dataclass(frozen=True)
class Group:
    """Channels that the same layers make.

    A channel here is what goes as a whole: the output of one layer, or the outputs of several that are added, with
    all that belongs to it in every weight.

    Attributes:
        producers: paths of the layers that make them.
        channels: their numbers, in the order of the first producer.
        fixed: why they may not go; empty if they may.
        doubts: what else changes when some of them go.
    """

    producers: tuple[str, ...]
    channels: np.ndarray
    fixed: tuple[str, ...]
    doubts: tuple[str, ...]

    @property
    def name(self) -> str:
        """The path of the first layer that makes them."""
        return self.producers[0]

    def __len__(self) -> int:
        return len(self.channels)


class ChannelGroups:
    """The channels of a model: numbered 0, 1, 2, ..., grouped, and found again in every weight.

    Attributes:
        trace: the calls of the model.
        flow: labels of every tensor.
    """

    def __init__(self, model: keras.Model) -> None:
        """Follows all calls.

        Args:
            model: functional or sequential, built; nested models are looked into.

        Raises:
            ConfigError: naming a layer that no handler follows, or a model written as a class.
        """
        self.trace: Trace = trace(model)
        self.flow = Flow()
        for tensor in self.trace.inputs:
            width = tensor.shape[-1] if len(tensor.shape) > 1 else 1
            self.flow.put_channels(tensor, self.flow.classes.fresh(width or 1))
        self._inputs_of: dict[int, Step] = {}
        for step in self.trace.steps:
            if step.operation is None:
                self._pass_border(step)
            else:
                handler_of(step).follow(step, self.flow)
        for tensor in self.trace.inputs:
            self.flow.fix(self.flow.of(tensor), "it is an input of the model")
        for tensor in self.trace.outputs:
            self.flow.fix(self.flow.of(tensor), "it is an output of the model")

    def _pass_border(self, step: Step) -> None:
        """Passes labels into a nested model or out of it; ties those of all its calls, as its inputs have one shape."""
        for outer, inner in zip(step.args, step.outputs, strict=True):
            self.flow.put(inner, self.flow.of(outer))
        if step.entered is not None:
            first = self._inputs_of.setdefault(id(step.entered), step)
            for one, other in zip(first.args, step.args, strict=True):
                axis = self.flow.axis_of(one)
                self.flow.classes.tie(self.flow.channels(one, axis), self.flow.channels(other, axis))

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """All groups, in the order of the model; those that may go and those that may not."""
        producers: dict[int, list[str]] = defaultdict(list)
        for path, labels in self.flow.producers.items():
            for channel in dict.fromkeys(self.channels_of(labels).tolist()):
                producers[channel].append(path)
        found: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for channel, paths in producers.items():
            found[tuple(paths)].append(channel)
        return tuple(group for paths, channels in found.items() for group in self._parts(paths, np.asarray(channels)))

    @property
    def prunable(self) -> tuple[Group, ...]:
        """The groups whose channels may go."""
        return tuple(group for group in self.groups if not group.fixed)

    @property
    def sites(self) -> list[Site]:
        """Every axis of a weight whose indices belong to channels; `channels_of(site.labels)` says to which."""
        return self.flow.sites

    @cached_property
    def count(self) -> int:
        """How many numbers channels have: no channel's number is as large."""
        return len(self.flow.classes)

    def channels_of(self, labels: np.ndarray) -> np.ndarray:
        """Returns the number of the channel that each label stands for.

        Args:
            labels: of a site or a tensor.
        """
        return self.flow.classes.find(labels)

    def group_of(self, layer: str) -> tuple[Group, ...]:
        """Returns the groups of the channels that a layer makes.

        Args:
            layer: its path, or its name where that is the end of one path only.

        Raises:
            UnknownNameError: for a layer that makes no channels.
        """
        paths = [path for path in self.flow.producers if path == layer or path.endswith(f"/{layer}")]
        if len(paths) != 1:
            near = did_you_mean(layer, self.flow.producers)
            raise UnknownNameError(f"`{layer}`: expected one layer that makes channels; there are {len(paths)}. {near}")
        return tuple(group for group in self.groups if paths[0] in group.producers)

    def explain(self, layer: str) -> str:
        """Returns in words what the channels of a layer go together with, and why they may not go.

        Args:
            layer: as for `group_of`.
        """
        lines = []
        for group in self.group_of(layer):
            others = [path for path in group.producers if path != layer and not path.endswith(f"/{layer}")]
            together = f" together with those of {', '.join(f'`{path}`' for path in others)}" if others else ""
            may = f"may not go: {'; '.join(group.fixed)}" if group.fixed else "may go"
            doubts = f" ({'; '.join(group.doubts)})" if group.doubts else ""
            lines.append(f"{len(group)} channels of `{layer}`{together} {may}{doubts}.")
        return "\n".join(lines)

    def _parts(self, paths: tuple[str, ...], channels: np.ndarray) -> list[Group]:
        """Returns the channels that may go and those that may not as groups of their own."""
        reasons = [self._reasons(channel, self._fixed) for channel in channels.tolist()]
        parts = defaultdict(list)
        for channel, reason in zip(channels.tolist(), reasons, strict=True):
            parts[bool(reason)].append(channel)
        found = []
        for members in parts.values():
            why = dict.fromkeys(each for channel in members for each in self._reasons(channel, self._fixed))
            doubts = dict.fromkeys(each for channel in members for each in self._reasons(channel, self._doubted))
            found.append(Group(paths, np.asarray(members), tuple(why), tuple(doubts)))
        return found

    @cached_property
    def _fixed(self) -> dict[int, list[str]]:
        return self._by_channel([(each.labels, each.reason) for each in self.flow.fixed])

    @cached_property
    def _doubted(self) -> dict[int, list[str]]:
        return self._by_channel([(each.labels, each.reason) for each in self.flow.uneasy])

    def _by_channel(self, noted: list[tuple[np.ndarray, str]]) -> dict[int, list[str]]:
        found: dict[int, list[str]] = defaultdict(list)
        for labels, reason in noted:
            for channel in np.unique(self.channels_of(labels)).tolist():
                if reason not in found[channel]:
                    found[channel].append(reason)
        return found

    @staticmethod
    def _reasons(channel: int, noted: dict[int, list[str]]) -> list[str]:
        return noted.get(channel, [])


def channel_groups(model: keras.Model) -> ChannelGroups:
    """Returns the channels of a model, grouped by what can only go together.

    Args:
        model: functional or sequential, built.

    Raises:
        ConfigError: naming a layer that no handler follows.
    """
    return ChannelGroups(model)
