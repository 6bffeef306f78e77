"""Prints the mean loss of the last steps."""

from collections.abc import Mapping

from source.callback import _text, callback, schedule
from source.config import settings
from source.config.config import CallbackConfig

Config = CallbackConfig


def build(config: CallbackConfig) -> callback.Callback:
    """Returns the callback that prints the loss.

    Args:
        config: `log_every_n_iter` is read.
    """
    return _TrainLoss(settings.adopt(Config, config))


class _TrainLoss(callback.Callback):
    @property
    def schedule(self) -> schedule.Schedule:
        return schedule.EverySteps(self.config.log_every_n_iter)

    def after_step(self, run: callback.Run, window: callback.Window) -> Mapping[str, str] | None:
        return {"loss": _text.significant(_text.pick(window.mean, "loss", "train_loss"))}
