"""Prints the share of zeros among the weights that a compressor has taken charge of."""

from collections.abc import Mapping

from source.callback import _compression, callback, schedule
from source.config import settings
from source.config.config import CallbackConfig
from source.config.errors import ConfigError

Config = CallbackConfig


def build(config: CallbackConfig) -> callback.Callback:
    """Returns the callback that prints the sparsity.

    Args:
        config: `log_every_n_iter` is read.
    """
    return _TrainSparsity(settings.adopt(Config, config))


class _TrainSparsity(callback.Callback):
    @property
    def schedule(self) -> schedule.Schedule:
        return schedule.EverySteps(self.config.log_every_n_iter)

    def before_run(self, run: callback.Run) -> None:
        if run.modeler.compressor is None:
            raise ConfigError(
                "train_sparsity: the modeler has no compressor. Set `compressor`, or leave this callback out."
            )

    def after_step(self, run: callback.Run, window: callback.Window) -> Mapping[str, str] | None:
        return {"sparsity": f"{_compression.sparsity(run.modeler.model):.2%}"}
