"""Ends a run whose loss or gradient is no longer a number, before it is saved."""

import math
from collections.abc import Mapping

from source.callback import callback, schedule
from source.config import settings
from source.config.config import CallbackConfig, require
from source.config.errors import TrainingError

_WATCHED = ("loss", "gradient_norm")


@settings.settings
class Config(CallbackConfig):
    """What the guard knows.

    Attributes:
        nan_guard_steps: steps between two checks, at least 1; None takes `log_every_n_iter`. Checkpoints are
            checked in any case.
    """

    nan_guard_steps: int | None = None

    def __post_init__(self) -> None:
        CallbackConfig.__post_init__(self)
        steps = self.nan_guard_steps
        require(steps is None or steps >= 1, "nan_guard_steps", "at least 1", steps)


def build(config: CallbackConfig) -> callback.Callback:
    """Returns the callback that stops with a `TrainingError` when the mean of a window is infinite or NaN.

    Args:
        config: `nan_guard_steps`, `log_every_n_iter` and `save_checkpoints_steps` are read.
    """
    return _NanGuard(settings.adopt(Config, config))


class _NanGuard(callback.Callback):
    """A checkpoint is written when all callbacks of its step are done, so a check at that step is in time."""

    config: Config

    @property
    def schedule(self) -> schedule.Schedule:
        check = schedule.EverySteps(self.config.nan_guard_steps or self.config.log_every_n_iter)
        save = schedule.EverySteps(self.config.save_checkpoints_steps)
        return schedule.FirstOf((check, save, schedule.AtEnd()))

    def after_step(self, run: callback.Run, window: callback.Window) -> Mapping[str, str] | None:
        for name in _watched(run):
            value = window.mean.get(name, 0.0)
            if not math.isfinite(value):
                raise TrainingError(_message(name, value, window))
        return None


def _watched(run: callback.Run) -> tuple[str, ...]:
    """Loss scaling finds its scale by steps whose gradients overflow: only the loss counts then."""
    precision = getattr(getattr(run.modeler, "config", None), "precision", "float32")
    return _WATCHED[:1] if precision == "mixed_float16" else _WATCHED


def _message(name: str, value: float, window: callback.Window) -> str:
    return (
        f"The mean of `{name}` over steps {window.first_step} to {window.last_step} is {value}. Lower "
        f"`learning_rate`, set `warmup_epochs` or `clip_norm`, and look for broken inputs. The newest "
        f"checkpoint is from before; `nan_guard_steps=1` finds the very step."
    )
