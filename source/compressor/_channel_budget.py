"""Which channels go: those at their thresholds, or the smallest, just as many as a budget asks for."""

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np

from source.graph.channel_groups import Group


@dataclasses.dataclass(frozen=True)
class Widths:
    """What groups keep whatever their channels are worth.

    Attributes:
        places: of each group's channels among all.
        least: channels that every group keeps.
        multiple: that widths are rounded up to, as far as they were before.
    """

    places: Sequence[np.ndarray]
    least: int
    multiple: int

    def gone(self, distances: np.ndarray, limit: float = 1.0) -> np.ndarray:
        """Returns the channels that go, as booleans.

        Args:
            distances: of the channels: their values as multiples of their thresholds.
            limit: channels go up to this distance.
        """
        gone = np.zeros(len(distances), bool)
        for places in self.places:
            mine = distances[places]
            stay = max(int((mine > limit).sum()), min(self.least, len(mine)))
            stay = min(len(mine), -(-stay // self.multiple) * self.multiple)
            gone[places[np.argsort(-mine, kind="stable")[stay:]]] = True
        return gone

    def gone_by_budget(self, distances: np.ndarray, fits: Callable[[np.ndarray], bool]) -> np.ndarray:
        """Returns the fewest channels of the least distances without which a budget is met; else all that may go.

        Args:
            distances: as for `gone`.
            fits: says for the channels that stay whether they meet the budget.
        """
        # By rank: of channels that are equally small, such as those at 0, only as many go as have to.
        ranks = np.empty(len(distances))
        ranks[np.argsort(distances, kind="stable")] = np.arange(len(distances))
        ranks[~np.isfinite(distances)] = math.inf
        low, high = -1, int(np.isfinite(distances).sum()) - 1  # none go; all go but those that have to stay
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if fits(~self.gone(ranks, middle)) else (middle, high)
        return self.gone(ranks, high)


def split(groups: Sequence[Group]) -> list[np.ndarray]:
    """Returns the places of each group's channels among the channels of all.

    Args:
        groups: in order.
    """
    ends = np.cumsum([len(group) for group in groups])
    return [np.arange(end - len(group), end) for group, end in zip(groups, ends, strict=True)]
