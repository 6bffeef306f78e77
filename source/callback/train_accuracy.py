"""Prints the mean accuracy of the last steps: top-1, and top-k where the modeler measures it."""

from collections.abc import Mapping

from source.callback import _text, callback, schedule
from source.config import settings
from source.config.config import CallbackConfig

Config = CallbackConfig


def build(config: CallbackConfig) -> callback.Callback:
    """Returns the callback that prints the accuracy.

    Args:
        config: `log_every_n_iter` is read.
    """
    return _TrainAccuracy(settings.adopt(Config, config))


class _TrainAccuracy(callback.Callback):
    @property
    def schedule(self) -> schedule.Schedule:
        return schedule.EverySteps(self.config.log_every_n_iter)

    def after_step(self, run: callback.Run, window: callback.Window) -> Mapping[str, str] | None:
        accuracies = _text.pick_accuracies(window.mean, "train_accuracy")
        return {name: f"{value:.4f}" for name, value in accuracies.items()}
