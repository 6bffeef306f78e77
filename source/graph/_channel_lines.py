"""Lines of channels: which channels an axis of a weight or a tensor has, and how often each."""

from collections import defaultdict

import numpy as np

from source.graph.channel_groups import ChannelGroups


class Lines:
    """All lines that a cost needs, each once; line 0 is the number 1.

    Channels with the same place in every line form a block, so that a table of lines and blocks is small however wide
    the model is.
    """

    def __init__(self, groups: ChannelGroups, channels: np.ndarray) -> None:
        """Begins with line 0.

        Args:
            groups: of the model.
            channels: numbers of those that may go; all others are constants.
        """
        self._groups = groups
        self._place = np.full(groups.count, -1, np.int64)
        self._place[channels] = np.arange(len(channels))
        self._known: dict[bytes, int] = {}
        self._places: list[np.ndarray] = [np.zeros(0, np.int64)]
        self._times: list[np.ndarray] = [np.zeros(0, np.int64)]
        self.constants: list[int] = [1]

    def of(self, labels: np.ndarray) -> int:
        """Returns the number of the line of labels.

        Args:
            labels: any shape.
        """
        places = self._place[self._groups.channels_of(labels.ravel())]
        free = np.sort(places[places >= 0])
        constant = int((places < 0).sum())
        key = free.tobytes() + b"|" + str(constant).encode()
        if key not in self._known:
            self._known[key] = len(self.constants)
            found, times = np.unique(free, return_counts=True)
            self._places.append(found)
            self._times.append(times)
            self.constants.append(constant)
        return self._known[key]

    def counts(self, kept: np.ndarray) -> list[int]:
        """Returns how wide each line is.

        Args:
            kept: how often each channel is there; booleans say whether it is.
        """
        pairs = zip(self._places, self._times, self.constants, strict=True)
        return [constant + int((times * kept[places]).sum()) for places, times, constant in pairs]

    def blocks(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the block of each channel, and how often a channel of each block is in each line (lines, blocks)."""
        seen: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for line, (places, times) in enumerate(zip(self._places, self._times, strict=True)):
            for place, count in zip(places.tolist(), times.tolist(), strict=True):
                seen[place].append((line, count))
        total = int((self._place >= 0).sum())
        numbers: dict[tuple[tuple[int, int], ...], int] = {}
        block = np.asarray([numbers.setdefault(tuple(seen[place]), len(numbers)) for place in range(total)], np.int32)
        table = np.zeros((len(self.constants), len(numbers)), np.float32)
        for signature, column in numbers.items():
            for line, count in signature:
                table[line, column] = count
        return block, table
