"""A metric of the evaluation that is watched: its value, and which of two values is better."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Literal

from source.callback import _text
from source.config.config import require

Goal = Literal["auto", "max", "min"]

_HIGHER_IS_BETTER = ("accuracy", "auc", "precision", "recall", "f1", "iou")
_LOWER_IS_BETTER = ("loss", "error", "perplexity", "distance")


def told_by_name(metric: str) -> Goal:
    """Returns "max" if a metric of this name is to be high, "min" if low, "auto" if one cannot tell."""
    words = metric.lower().split("_")
    if any(word in words for word in _LOWER_IS_BETTER):
        return "min"
    return "max" if any(word in words for word in _HIGHER_IS_BETTER) else "auto"


def require_goal(metric: str, goal: Goal) -> None:
    """Raises unless it is known whether the metric is to be high or low.

    Raises:
        ValueError: if `goal` is "auto" and the name does not tell.
    """
    known = goal != "auto" or told_by_name(metric) != "auto"
    require(known, "goal", f"'max' or 'min', because the name of the metric `{metric}` does not tell", goal)


@dataclasses.dataclass(frozen=True)
class Watched:
    """A metric and what is wanted of it.

    Attributes:
        metric: its name among the metrics of an evaluation.
        goal: "max", "min", or "auto" where the name tells.
    """

    metric: str
    goal: Goal

    @property
    def sign(self) -> float:
        """1 if high values are better, -1 if low ones are."""
        goal = told_by_name(self.metric) if self.goal == "auto" else self.goal
        return 1.0 if goal == "max" else -1.0

    def read(self, metrics: Mapping[str, float], asker: str) -> float | None:
        """Returns the metric's value; None if it is not a finite number, which is never better than anything.

        Raises:
            ConfigError: if the evaluation has no such metric.
        """
        value = _text.pick(metrics, self.metric, asker)
        return value if math.isfinite(value) else None

    def is_better(self, value: float, than: float | None, by: float = 0.0) -> bool:
        """Whether `value` is better than `than` by more than `by`; anything is better than None."""
        return than is None or self.sign * (value - than) > by
