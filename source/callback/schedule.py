"""When a callback acts: schedules as pure functions of how far a run has come."""

import abc
import dataclasses
import math

from source.config.config import require


@dataclasses.dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a run has come: all that a schedule may know.

    Attributes:
        step: steps done so far.
        max_step: steps that the run will have done at its end.
        steps_per_epoch: examples in an epoch / examples in a step; need not be whole.
        seconds_per_step: measured over the last block of steps; 0 before there is one.
    """

    step: int
    max_step: int
    steps_per_epoch: float
    seconds_per_step: float = 0.0

    @property
    def epoch(self) -> float:
        """Epochs done so far, with their fraction."""
        return self.step / self.steps_per_epoch


class Schedule(abc.ABC):
    """Says at which steps something is due; steps are counted from 1, when the first is done."""

    @abc.abstractmethod
    def next_due(self, progress: Progress) -> int | None:
        """Returns the first due step after `progress.step`, or None if there is none.

        Args:
            progress: how far the run has come.
        """


@dataclasses.dataclass(frozen=True)
class Never(Schedule):
    """Due at no step."""

    def next_due(self, progress: Progress) -> int | None:
        """Returns None."""
        return None


@dataclasses.dataclass(frozen=True)
class AtEnd(Schedule):
    """Due at the last step."""

    def next_due(self, progress: Progress) -> int | None:
        """Returns the last step, as long as it is ahead."""
        return progress.max_step if progress.max_step > progress.step else None


@dataclasses.dataclass(frozen=True)
class EverySteps(Schedule):
    """Due whenever the number of steps done is a multiple of `steps`.

    Attributes:
        steps: at least 1.
    """

    steps: int

    def __post_init__(self) -> None:
        require(self.steps >= 1, "steps", "at least 1", self.steps)

    def next_due(self, progress: Progress) -> int | None:
        """Returns the next multiple of `steps`, as long as the run gets there."""
        due = (progress.step // self.steps + 1) * self.steps
        return due if due <= progress.max_step else None


@dataclasses.dataclass(frozen=True)
class EveryEpoch(Schedule):
    """Due after every `epochs` epochs, and at the last step.

    An epoch ends with the step in which its last example is seen: epoch k at step ceil(k * steps_per_epoch).

    Attributes:
        epochs: positive; need not be whole.
    """

    epochs: float = 1.0

    def __post_init__(self) -> None:
        require(self.epochs > 0, "epochs", "positive", self.epochs)

    def next_due(self, progress: Progress) -> int | None:
        """Returns the next step at which a multiple of `epochs` ends; the last step if that is earlier."""
        if progress.step >= progress.max_step:
            return None
        period = self.epochs * progress.steps_per_epoch
        count = math.floor(progress.step / period)
        while _whole_step(count * period) <= progress.step:
            count += 1
        return min(_whole_step(count * period), progress.max_step)

    def is_due(self, progress: Progress) -> bool:
        """Whether the step just done ends a period."""
        before = dataclasses.replace(progress, step=progress.step - 1)
        return progress.step > 0 and self.next_due(before) == progress.step


@dataclasses.dataclass(frozen=True)
class EverySeconds(Schedule):
    """Due about every `seconds` seconds, judged by the measured time of a step, and at the last step.

    Attributes:
        seconds: positive.
    """

    seconds: float

    def __post_init__(self) -> None:
        require(self.seconds > 0, "seconds", "positive", self.seconds)

    def next_due(self, progress: Progress) -> int | None:
        """Returns the step reached in about `seconds`; the next one while nothing is measured yet."""
        if progress.step >= progress.max_step:
            return None
        ahead = int(self.seconds / progress.seconds_per_step) if progress.seconds_per_step > 0 else 1
        return min(progress.step + max(ahead, 1), progress.max_step)


@dataclasses.dataclass(frozen=True)
class FirstOf(Schedule):
    """Due whenever one of several schedules is.

    Attributes:
        schedules: the ones to follow.
    """

    schedules: tuple[Schedule, ...]

    def next_due(self, progress: Progress) -> int | None:
        """Returns the earliest step that any of the schedules is due at."""
        due = [step for schedule in self.schedules if (step := schedule.next_due(progress)) is not None]
        return min(due, default=None)


def _whole_step(position: float) -> int:
    """The step that contains `position`; 1e-9 takes back the rounding of products such as 3 * (1437 / 32)."""
    return math.ceil(position - 1e-9 * max(1.0, position))
