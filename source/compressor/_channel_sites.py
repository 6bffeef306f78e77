"""Where each group's channels are found in the weights, looked up once for all groups."""

import keras
import numpy as np

from source.graph.channel_groups import ChannelGroups, Group
from source.graph.channels.flow import Site
from source.layer.batch_normalized import BatchNormalized

Found = tuple[Site, np.ndarray]


class ChannelSites:
    """The sites of a model with the channels along them.

    Attributes:
        numbers: for each site of the groups, in order, the number of the channel at every index.
    """

    def __init__(self, groups: ChannelGroups) -> None:
        """Looks up all sites.

        Args:
            groups: of the model.
        """
        self._sites = groups.sites
        self.numbers = [groups.channels_of(site.labels) for site in self._sites]
        self._owner = np.full(groups.count, -1)
        self._place = np.full(groups.count, -1)
        self._index = {id(group): index for index, group in enumerate(groups.groups)}
        for index, group in enumerate(groups.groups):
            self._owner[group.channels] = index
            self._place[group.channels] = np.arange(len(group))
        self._touched: list[list[int]] = [[] for _ in groups.groups]
        for position, numbers in enumerate(self.numbers):
            for index in np.unique(self._owner[numbers]):
                if index >= 0:
                    self._touched[index].append(position)

    def of(self, group: Group) -> list[Found]:
        """Returns the axes where a group's channels are found, each with the place of every index in the group, or -1.

        Args:
            group: one of the groups.
        """
        return [(self._sites[position], places) for position, places in self.positions(group)]

    def positions(self, group: Group) -> list[tuple[int, np.ndarray]]:
        """Returns the same, with the positions of the sites in the place of the sites.

        Args:
            group: one of the groups.
        """
        index = self._index[id(group)]
        return [
            (position, np.where(self._owner[numbers] == index, self._place[numbers], -1))
            for position in self._touched[index]
            for numbers in [self.numbers[position]]
        ]


def gathered(line: np.ndarray, places: np.ndarray, count: int) -> np.ndarray:
    """Returns the mean of the numbers that belong to each channel of a group; 0 for channels without any.

    Args:
        line: a number for each index of a site.
        places: of the indices in the group, or -1.
        count: of channels in the group.
    """
    inside = places >= 0
    sums = np.bincount(places[inside], line[inside], count)
    return sums / np.maximum(np.bincount(places[inside], minlength=count), 1)


def is_scale(layer: keras.layers.Layer, weight: str) -> bool:
    """Returns whether a weight is the scale of a batch normalization.

    Args:
        layer: that has the weight; the layer itself, not a wrapper.
        weight: its path below the layer.
    """
    return _is_of_normalization(layer, weight, "gamma")


def is_offset(layer: keras.layers.Layer, weight: str) -> bool:
    """Returns whether a weight is the offset of a batch normalization.

    Args:
        layer: that has the weight; the layer itself, not a wrapper.
        weight: its path below the layer.
    """
    return _is_of_normalization(layer, weight, "beta")


def _is_of_normalization(layer: keras.layers.Layer, weight: str, name: str) -> bool:
    kinds = (keras.layers.BatchNormalization, BatchNormalized)
    return isinstance(layer, kinds) and weight.rpartition("/")[2] == name
