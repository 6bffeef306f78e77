"""What the first callback of evaluation, inference and export does: take weights from a file, or refuse."""

from typing import Any

from source.callback import callback
from source.config.config import CallbackConfig
from source.config.errors import CheckpointError


def restore_pretrained(run: callback.Run, config: CallbackConfig) -> Any:
    """Takes weights from `pretrained_model` and returns the report of it.

    Args:
        run: the run.
        config: `pretrained_model`, which is set, `skip_pretrained_var` and `pretrained_rules` are read.
    """
    path: str = config.pretrained_model  # type: ignore[assignment]
    return run.restore_pretrained(path, config.skip_pretrained_var, config.pretrained_rules)


def restore_before_checkpoint(run: callback.Run, config: CallbackConfig) -> Any:
    """Takes weights that a compressor looks at when it prepares the model; returns the report, or None if it took none.

    A checkpoint has the states of compression, but not what a compressor chose by the weights: a format for each layer,
    a teacher.

    Args:
        run: the run.
        config: `pretrained_model` and `skip_pretrained_var` are read.
    """
    if config.pretrained_model is None or run.modeler.compressor is None:
        return None
    return restore_pretrained(run, config)


class RestoreCheckpoint(callback.Callback):
    """Restores the newest checkpoint, else `pretrained_model`; without both the run ends with an error.

    Subclasses name their mode.
    """

    restores = True

    def before_run(self, run: callback.Run) -> None:
        """Restores, and says which step it was or what was taken from `pretrained_model`.

        Raises:
            CheckpointError: if there is neither, or `pretrained_model` leaves weights as they began.
        """
        pretrained = self.config.pretrained_model
        report = restore_before_checkpoint(run, self.config)
        step = run.require_checkpoint() if pretrained is None else run.restore_latest()
        if step is not None:
            run.say(f"Restored the checkpoint of step {step:,}.")
        elif pretrained is not None:
            self._check(run, pretrained, report or restore_pretrained(run, self.config))

    def _check(self, run: callback.Run, pretrained: str, report: Any) -> None:
        run.say(str(report))
        left = (*report.missing, *report.mismatched, *report.skipped)
        if left and not run.config.allow_untrained:
            raise CheckpointError(
                f"pretrained_model: {pretrained} must have all weights to {run.mode} with; `{left[0]}` is as it began. "
                f"Train first, or set `allow_untrained`."
            )
