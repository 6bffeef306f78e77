"""Ramps: how sparse a weight is at which step, and when its mask is made anew; pure functions of the step."""

import abc
import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Literal

from source.config import nearest
from source.config.errors import ConfigError, UnknownNameError
from source.sparsity._ramp_checks import check_every, check_range, sparsity, two_sparsities, whole


class Ramp(abc.ABC):
    """Sparsity as a function of the step, and the steps at which masks are made anew.

    The sparsity of a step is the one in force: that of the last due step, and 0 before the first. So it is the same
    after every way to get to the step.
    """

    @property
    @abc.abstractmethod
    def last_step(self) -> int:
        """The last due step, after which nothing changes."""

    @abc.abstractmethod
    def is_due(self, step: int) -> bool:
        """Returns whether the mask is to be made anew at a step.

        Args:
            step: not negative; 0 is before the first update of weights.
        """

    @abc.abstractmethod
    def next_due(self, step: int) -> int | None:
        """Returns the first due step after a step, or None when there is none: for loops that take many steps at once.

        Args:
            step: as for `is_due`; -1 asks for the first of all.
        """

    @abc.abstractmethod
    def value(self, step: int) -> float:
        """Returns the sparsity in force, the share of entries that are zero, in [0, 1).

        Args:
            step: as for `is_due`.
        """

    def density(self, step: int) -> float:
        """Returns 1 - sparsity, rounded to 12 decimals: without, 1 - 0.9 would keep no entry of 5, and not one.

        Args:
            step: as for `is_due`.
        """
        return round(1.0 - self.value(step), 12)


@dataclasses.dataclass(frozen=True, kw_only=True)
class OneShot(Ramp):
    """All at once: a sparsity from one step on.

    Attributes:
        step: at which the mask is made, once; 0 is before training.
        final: sparsity, in (0, 1).
    """

    step: int = 0
    final: float

    def __post_init__(self) -> None:
        whole(self, "step", least=0)
        sparsity(self, "final", positive=True)

    @property
    def last_step(self) -> int:
        """The step."""
        return self.step

    def is_due(self, step: int) -> bool:
        """Returns whether it is the step."""
        return step == self.step

    def next_due(self, step: int) -> int | None:
        """Returns the step as long as it is ahead."""
        return self.step if step < self.step else None

    def value(self, step: int) -> float:
        """Returns 0 before the step and the final sparsity from it on."""
        return self.final if step >= self.step else 0.0

    def __str__(self) -> str:
        return _text(self)


class _Periodic(Ramp):
    """Due at begin, begin + every, ... and at the end.

    Attributes:
        begin: the first due step.
        every: steps between due steps.
    """

    begin: int
    every: int

    @property
    def last_step(self) -> int:
        """The end."""
        return self._last()

    def is_due(self, step: int) -> bool:
        """Returns whether a step is one of them."""
        return self._last_due(step) == step

    def next_due(self, step: int) -> int | None:
        """Returns the next of them."""
        if step < self.begin:
            return self.begin
        following = self.begin + ((step - self.begin) // self.every + 1) * self.every
        return min(following, self.last_step) if step < self.last_step else None

    def value(self, step: int) -> float:
        """Returns the sparsity of the last of them, 0 before the first."""
        due = self._last_due(step)
        return 0.0 if due is None else self._at(due)

    def _last_due(self, step: int) -> int | None:
        if step < self.begin:
            return None
        if step >= self.last_step:
            return self.last_step
        return self.begin + (step - self.begin) // self.every * self.every

    @abc.abstractmethod
    def _last(self) -> int:
        """Returns the end."""

    @abc.abstractmethod
    def _at(self, step: int) -> float:
        """Returns the sparsity of a due step."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Constant(_Periodic):
    """One sparsity from the beginning to the end, while masks follow the weights; after that they stay.

    Attributes:
        final: sparsity, in (0, 1).
        begin: the first due step, at least 0.
        end: the last due step, at least begin + every.
        every: steps between due steps, at least 1.
    """

    final: float
    begin: int = 0
    end: int
    every: int = 1

    def __post_init__(self) -> None:
        sparsity(self, "final", positive=True)
        whole(self, "end", least=0)
        check_range(self)
        check_every(self)

    def _last(self) -> int:
        return self.end

    def _at(self, step: int) -> float:
        return self.final

    def __str__(self) -> str:
        return _text(self)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Polynomial(_Periodic):
    """From one sparsity to another: final + (initial - final) * (1 - t)^power with t from 0 to 1.

    Zhu, Gupta: To prune, or not to prune, 2017, https://arxiv.org/abs/1710.01878, with power 3: much early, when
    there is much to prune, and little late.

    Attributes:
        initial: sparsity at the beginning, in [0, 1).
        final: sparsity at the end, in [0, 1); one of the two is positive.
        begin: the first due step, at least 0.
        end: the last due step, at least begin + every.
        power: of the polynomial, positive; 1 is linear.
        every: steps between due steps, at least 1.
    """

    initial: float = 0.0
    final: float
    begin: int = 0
    end: int
    power: float = 3.0
    every: int = 100

    def __post_init__(self) -> None:
        two_sparsities(self)
        whole(self, "end", least=0)
        check_range(self)
        check_every(self)
        if not 0.0 < self.power < math.inf:
            raise ConfigError(f"`power` must be positive. Received: power={self.power}.")

    def _last(self) -> int:
        return self.end

    def _at(self, step: int) -> float:
        left = (self.end - step) / (self.end - self.begin)
        return self.final + (self.initial - self.final) * left**self.power

    def __str__(self) -> str:
        return _text(self)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cyclic(_Periodic):
    """From one sparsity to another again and again, so that entries pruned early may come back.

    In a cycle t rises from every / period to 1; the very first mask has t = 0. Sparsity is
    initial + (final - initial) * f(t), with f(t) = t for "sawtooth" and (1 - cos(pi * t)) / 2 for "cosine"; it falls
    back at the first due step of the next cycle, and stays final after the last. Srinivas et al.: Cyclical pruning for
    sparse neural networks, 2022, https://arxiv.org/abs/2202.01290

    Attributes:
        initial: sparsity that cycles come from, in [0, 1).
        final: sparsity that cycles lead to, in [0, 1); not the initial one.
        begin: the first due step, at least 0.
        period: steps of a cycle, a multiple of `every`, at least twice that.
        cycles: how many, at least 1.
        every: steps between due steps, at least 1.
        wave: "cosine" or "sawtooth".
    """

    initial: float = 0.0
    final: float
    begin: int = 0
    period: int
    cycles: int = 1
    every: int = 100
    wave: Literal["cosine", "sawtooth"] = "cosine"

    def __post_init__(self) -> None:
        two_sparsities(self)
        if self.initial == self.final:
            raise ConfigError(f"`final` must not be the initial sparsity. Received: final={self.final}.")
        whole(self, "period", least=1)
        whole(self, "cycles", least=1)
        check_range(self)
        if self.period % self.every or self.period < 2 * self.every:
            raise ConfigError(
                f"`period` must be a multiple of `every`={self.every}, at least twice that. "
                f"Received: period={self.period}."
            )
        if self.wave not in ("cosine", "sawtooth"):
            hint = nearest.did_you_mean(str(self.wave), ("cosine", "sawtooth"))
            raise ConfigError(f"`wave` must be a form of cycles. Received: wave={self.wave!r}. {hint}")

    def _last(self) -> int:
        return self.begin + self.period * self.cycles

    def _at(self, step: int) -> float:
        done = step - self.begin
        t = ((done - 1) % self.period + 1) / self.period if done else 0.0
        risen = t if self.wave == "sawtooth" else (1.0 - math.cos(math.pi * t)) / 2.0
        return self.final if t == 1.0 else self.initial + (self.final - self.initial) * risen

    def __str__(self) -> str:
        return _text(self)


_KINDS: Mapping[str, type[Ramp]] = {
    "constant": Constant,
    "polynomial": Polynomial,
    "one_shot": OneShot,
    "cyclic": Cyclic,
}


def make_ramp(kind: str, **numbers: Any) -> Ramp:
    """Returns the ramp of a kind: "constant", "polynomial", "one_shot" or "cyclic".

    Args:
        kind: the name.
        **numbers: its attributes.

    Raises:
        UnknownNameError: for another kind.
        ConfigError: for attributes that the kind lacks, that are missing, or that cannot be.
    """
    if kind not in _KINDS:
        raise UnknownNameError(f"There is no ramp `{kind}`. {nearest.did_you_mean(kind, _KINDS)}")
    made = _KINDS[kind]
    fields = {field.name: field for field in dataclasses.fields(made)}  # type: ignore[arg-type]
    for name in numbers:
        if name not in fields:
            raise ConfigError(f"The ramp `{kind}` has no `{name}`. {nearest.did_you_mean(name, fields)}")
    needed = [name for name, field in fields.items() if field.default is dataclasses.MISSING and name not in numbers]
    if needed:
        raise ConfigError(f"The ramp `{kind}` needs " + " and ".join(f"`{name}`" for name in needed) + ".")
    return made(**numbers)


def _text(ramp: Any) -> str:
    """Returns the kind and its attributes, as `make_ramp` takes them."""
    kind = next(name for name, made in _KINDS.items() if made is type(ramp))
    return (
        f"{kind}(" + ", ".join(f"{each.name}={getattr(ramp, each.name)!r}" for each in dataclasses.fields(ramp)) + ")"
    )
