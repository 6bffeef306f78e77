"""What the first callback of evaluation, inference and export does: take weights from a file, or refuse."""

from source.callback import callback
from source.config.errors import CheckpointError


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
        step = run.require_checkpoint() if pretrained is None else run.restore_latest()
        if step is not None:
            run.say(f"Restored the checkpoint of step {step:,}.")
        elif pretrained is not None:
            self._take(run, pretrained)

    def _take(self, run: callback.Run, pretrained: str) -> None:
        report = run.restore_pretrained(pretrained, self.config.skip_pretrained_var)
        run.say(str(report))
        left = (*report.missing, *report.mismatched, *report.skipped)
        if left and not run.config.allow_untrained:
            raise CheckpointError(
                f"pretrained_model: {pretrained} must have all weights to {run.mode} with; `{left[0]}` is as it began. "
                f"Train first, or set `allow_untrained`."
            )
