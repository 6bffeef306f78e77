"""Restores a training run when it begins and saves checkpoints while it goes on."""

from collections.abc import Mapping

from source.callback import _restore, callback, schedule
from source.config import settings
from source.config.config import CallbackConfig

Config = CallbackConfig


def build(config: CallbackConfig) -> callback.Callback:
    """Returns the callback that restores and saves.

    Args:
        config: `save_checkpoints_steps`, `keep_checkpoint_max`, `pretrained_model` and `skip_pretrained_var`
            are read.
    """
    return _TrainBasic(settings.adopt(Config, config))


class _TrainBasic(callback.Callback):
    """The run's own newest checkpoint goes before `pretrained_model`: a resumed run must not begin anew.

    A compressor prepares a resumed model of the same weights as at first, and the checkpoint comes after that.
    """

    restores = True

    def __init__(self, config: CallbackConfig) -> None:
        super().__init__(config)
        self._saved_step: int | None = None

    @property
    def schedule(self) -> schedule.Schedule:
        return schedule.FirstOf((schedule.EverySteps(self.config.save_checkpoints_steps), schedule.AtEnd()))

    def before_run(self, run: callback.Run) -> None:
        report = _restore.restore_before_checkpoint(run, self.config)
        step = run.restore_latest()
        if step is not None:
            self._saved_step = step
            run.say(f"Resumed from the checkpoint of step {step:,}.")
        elif self.config.pretrained_model is not None:
            run.say(str(report or _restore.restore_pretrained(run, self.config)))

    def after_step(self, run: callback.Run, window: callback.Window) -> Mapping[str, str] | None:
        self._request(run)
        return None

    def after_run(self, run: callback.Run) -> None:
        """A run that was stopped between two checkpoints keeps the steps it has done."""
        if run.progress.step not in (0, self._saved_step):
            self._request(run)

    def _request(self, run: callback.Run) -> None:
        run.request_checkpoint(keep=self.config.keep_checkpoint_max)
        self._saved_step = run.progress.step
