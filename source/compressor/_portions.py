"""What compressors share that round weights a portion at a time: which portion begins at which step."""

import dataclasses
from collections.abc import Iterable
from typing import Any

from source.config.config import Numbers, require
from source.config.errors import ConfigError
from source.config.settings import settings
from source.layer.compressed import Compressed
from source.layer.frozen_portions import FrozenPortions


@dataclasses.dataclass(frozen=True)
class Portions:
    """The share of a weight that is rounded over the steps of training.

    Attributes:
        shares: cumulative, ascending, the last is 1.
        steps: at which each begins.
    """

    shares: tuple[float, ...]
    steps: tuple[int, ...]

    def share(self, step: int) -> float:
        """Returns the share that is rounded when so many steps are done.

        Args:
            step: steps done.
        """
        return max((share for share, begin in zip(self.shares, self.steps, strict=True) if begin <= step), default=0.0)

    def following(self, step: int) -> int | None:
        """Returns the first step after this one at which a portion begins; None if there is none.

        Args:
            step: steps done.
        """
        return min((begin for begin in self.steps if begin > step), default=None)


@settings
class PortionSettings:
    """Which portion of a weight is rounded when.

    Attributes:
        portions: cumulative shares of each weight, ascending, the last is 1.
        begin_step: at which the first portion is rounded; 0 is before the first step of training.
        every_steps: steps from one portion to the next.
        portion_steps: the step of each portion, ascending, in the place of `begin_step` and `every_steps`.
    """

    portions: Numbers = (0.5, 0.75, 0.875, 1.0)
    begin_step: int = 0
    every_steps: int = 1000
    portion_steps: Numbers = ()

    def check_portions(self) -> None:
        """Refuses portions and steps that cannot be.

        Raises:
            ValueError: naming the setting.
        """
        ascending = all(low < high for low, high in zip((0.0, *self.portions), self.portions, strict=False))
        right = ascending and self.portions[-1:] == (1.0,)
        require(right, "portions", "ascending shares above 0, the last of which is 1", self.portions)
        require(self.begin_step >= 0, "begin_step", "at least 0", self.begin_step)
        require(self.every_steps >= 1, "every_steps", "at least 1", self.every_steps)
        steps = self.portion_steps
        ascending = all(low < high for low, high in zip((-1.0, *steps), steps, strict=False))
        whole = len(steps) in (0, len(self.portions)) and all(step == int(step) for step in steps)
        require(ascending and whole, "portion_steps", f"{len(self.portions)} ascending whole numbers", steps)

    def schedule(self) -> Portions:
        """Returns the portions with their steps."""
        regular = (self.begin_step + index * self.every_steps for index in range(len(self.portions)))
        steps = tuple(int(step) for step in self.portion_steps) or tuple(regular)
        return Portions(self.portions, steps)


def freeze(found: Iterable[tuple[Compressed, str, Any]], share: float) -> None:
    """Rounds weights as far as a share.

    Args:
        found: layer, path and transformation of each weight.
        share: in [0, 1].
    """
    for layer, path, each in found:
        if each.reached < share:
            each.freeze(layer.seen_weight(path, before=each), share)


def check_all_frozen(name: str, portions: Portions, found: Iterable[FrozenPortions]) -> None:
    """Refuses a model with weights that are not rounded as a whole.

    Raises:
        ConfigError: saying how far they are, and when the last portion begins.
    """
    least = min((each.reached for each in found), default=1.0)
    if least < 1:
        raise ConfigError(
            f"{name}: only {least:.4g} of the weights are rounded so far; the last portion is rounded at step "
            f"{portions.steps[-1]:,}. Give `keras_callback()` to `fit`, or `compression` to the runner's callbacks, "
            "and train that far."
        )
