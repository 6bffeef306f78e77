"""How strong a regularization is at a step: as given, or so that a cost comes down at an even pace."""

import math
from typing import Literal

from source.config.settings import settings

# What a strength that is found begins at, and how much it may change from one look at the cost to the next.
_FIRST, _FASTEST = 1.0, 2.0


@settings
class StrengthSettings:
    """When and how strongly channels are made small.

    Attributes:
        strength: of the regularization, not negative; None finds one that comes to the budget.
        schedule: of a given strength: "constant"; or "cosine", which falls to 0 at `end_step`.
        warm_up_steps: in which a given strength rises from 0.
        begin_step: at which regularization begins.
        end_step: at which the channels go, at the latest; they go sooner when the budget is reached.
        every_steps: steps between two looks at the cost.
    """

    strength: float | None = None
    schedule: Literal["constant", "cosine"] = "constant"
    warm_up_steps: int = 0
    begin_step: int = 0
    end_step: int = 1000
    every_steps: int = 10

    def next_look(self, step: int) -> int | None:
        """Returns the first step after `step` at which the cost is looked at; None if there is none.

        Args:
            step: -1 asks for the first of all.
        """
        if step < self.begin_step:
            return self.begin_step
        following = step + self.every_steps - (step - self.begin_step) % self.every_steps
        return None if step >= self.end_step else min(following, self.end_step)

    def scheduled(self, step: int, strength: float) -> float:
        """Returns a given strength at a step.

        Args:
            step: from `begin_step` to `end_step`.
            strength: that is given.
        """
        if step < self.begin_step + self.warm_up_steps:
            return strength * (step - self.begin_step) / self.warm_up_steps
        way = (step - self.begin_step) / (self.end_step - self.begin_step)
        return strength * (0.5 + 0.5 * math.cos(math.pi * way)) if self.schedule == "cosine" else strength

    def paced(self, step: int, strength: float, before: float, now: float, budget: float) -> float:
        """Returns a strength by which a cost reaches a budget at `end_step`: it falls the faster the larger that is.

        Args:
            step: before `end_step`.
            strength: since the last look; 0 at the first.
            before: share of the cost at the last look.
            now: the same now.
            budget: the same at the end.
        """
        if strength == 0.0:
            return _FIRST
        wanted = (now - budget) / (self.end_step - step) * self.every_steps
        pace = wanted / (before - now) if before > now else _FASTEST
        return strength * min(max(pace, 1.0 / _FASTEST), _FASTEST)
