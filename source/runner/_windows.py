"""What each callback has not yet been told: sums over the steps since it was last due."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from source.callback.callback import Window


@dataclasses.dataclass
class OpenWindow:
    """The steps since a callback was last due.

    Attributes:
        first_step: the first step of the window, counted from 1.
        steps: steps so far.
        seconds: time spent in them.
        totals: sum over them of each scalar output.
        last: each scalar output in the last of them.
    """

    first_step: int
    steps: int = 0
    seconds: float = 0.0
    totals: dict[str, float] = dataclasses.field(default_factory=dict)
    last: dict[str, float] = dataclasses.field(default_factory=dict)

    def add(self, steps: int, seconds: float, totals: Mapping[str, float], last: Mapping[str, float]) -> None:
        """Adds a block of steps.

        Args:
            steps: steps of the block.
            seconds: time spent in it.
            totals: sum over it of each scalar output.
            last: each scalar output of its last step.
        """
        self.steps += steps
        self.seconds += seconds
        self.totals = {name: self.totals.get(name, 0.0) + total for name, total in totals.items()}
        self.last = dict(last)

    def closed(self, examples_per_step: int) -> Window:
        """Returns the window as a callback sees it.

        Args:
            examples_per_step: the global batch size.
        """
        return Window(
            first_step=self.first_step,
            last_step=self.first_step + self.steps - 1,
            seconds=self.seconds,
            examples=self.steps * examples_per_step,
            mean={name: total / self.steps for name, total in self.totals.items()},
            last=self.last,
        )

    def state(self) -> dict[str, Any]:
        """Returns the window as values that JSON holds exactly."""
        return dataclasses.asdict(self)
