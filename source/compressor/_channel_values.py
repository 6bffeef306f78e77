"""How large the channels of a model are, by the weights that make or scale them: one number each, with a gradient."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from source.graph.channel_groups import ChannelGroups, Group
from source.graph.channels.flow import Site
from source.layer import weight_paths
from source.layer.batch_normalized import BatchNormalized

Tensor = Any
_TINY = 1e-16  # below this mean of squares, the root has no gradient: at 0 it would be infinite


@dataclasses.dataclass(frozen=True)
class Source:
    """A weight with a number for each of some channels.

    Attributes:
        site: where the channels lie in the weight.
        weight: the weight.
        norm: from the weight with channels along its last axis to a line of numbers, not negative.
    """

    site: Site
    weight: keras.Variable
    norm: Callable[[Tensor], Tensor]

    def line(self) -> Tensor:
        """Returns a number for each index of the site's axis, float32."""
        numbers = ops.cast(ops.convert_to_tensor(self.weight), "float32")
        return self.norm(ops.moveaxis(numbers, self.site.axis, -1))


class ChannelValues:
    """A number r for each channel: the largest of what its sources say; equal ones share the gradient."""

    def __init__(self, groups: ChannelGroups, channels: np.ndarray, sources: Sequence[Source]) -> None:
        """Finds where each channel's numbers are.

        Args:
            groups: of the model.
            channels: numbers of the channels, in the order of the values.
            sources: all of them.
        """
        place = np.full(groups.count, -1, np.int64)
        place[channels] = np.arange(len(channels))
        found: list[list[int]] = [[] for _ in channels]
        self._sources, end = [], 0
        for source in sources:
            places = place[groups.channels_of(source.site.labels)]
            if (places < 0).all():
                continue
            self._sources.append(source)
            for offset, channel in enumerate(places.tolist()):
                if channel >= 0:
                    found[channel].append(end + offset)
            end += len(places)
        self._index = np.full((len(channels), max([1, *map(len, found)])), end, np.int32)
        for row, entries in zip(self._index, found, strict=True):
            row[: len(entries)] = entries
        self.known = np.asarray([bool(entries) for entries in found], bool)

    def values(self) -> Tensor:
        """Returns r (channels,), float32; 0 for channels without a source."""
        lines = [source.line() for source in self._sources]
        flat = ops.concatenate([*lines, ops.zeros((1,), "float32")])
        return ops.max(ops.take(flat, self._index, axis=0), axis=1)


def scales(groups: ChannelGroups) -> list[Source]:
    """Returns the trained scales of batch normalizations, |gamma|.

    Args:
        groups: of the model.
    """
    return [
        Source(site, weight, ops.abs)
        for site in groups.sites
        if site.weight.rpartition("/")[2] == "gamma"
        and isinstance(site.layer, (keras.layers.BatchNormalization, BatchNormalized))
        and (weight := weight_paths.of(site.layer)[site.weight]).trainable
    ]


def filters(sites: Sequence[Site], l1_fraction: float) -> list[Source]:
    """Returns the kernels that make channels: (1 - l1) sqrt(mean w^2) + l1 mean |w| over the weights of a channel.

    Args:
        sites: of these kernels.
        l1_fraction: l1, in [0, 1].
    """

    def norm(weight: Tensor) -> Tensor:
        rows = ops.reshape(weight, (-1, weight.shape[-1]))
        root = ops.sqrt(ops.maximum(ops.mean(ops.square(rows), axis=0), _TINY))
        return (1.0 - l1_fraction) * root + l1_fraction * ops.mean(ops.abs(rows), axis=0)

    return [Source(site, weight_paths.of(site.layer)[site.weight], norm) for site in sites]


def why_no_scale(groups: ChannelGroups, group: Group) -> str:
    """Returns why the channels of a group have no trained scale, a few words.

    Args:
        groups: of the model.
        group: one of them.
    """
    normalizations = {
        site.path: site.layer
        for site in groups.sites
        if isinstance(site.layer, keras.layers.BatchNormalization)
        and np.isin(groups.channels_of(site.labels), group.channels).any()
    }
    if not normalizations:
        return "no batch normalization follows"
    reasons = ["has scale=False" if layer.gamma is None else "is frozen" for layer in normalizations.values()]
    pairs = zip(normalizations, reasons, strict=True)
    return ", ".join(f"`{path}` {reason}" for path, reason in pairs)
