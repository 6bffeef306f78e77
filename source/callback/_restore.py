"""What the first callback of evaluation, inference and export does: take the newest checkpoint, or refuse."""

from source.callback import callback


class RestoreCheckpoint(callback.Callback):
    """Restores the newest checkpoint; without one the run ends with an error. Subclasses name their mode."""

    restores = True

    def before_run(self, run: callback.Run) -> None:
        """Restores and says which step it was."""
        step = run.require_checkpoint()
        run.say(f"Restored the checkpoint of step {step:,}.")
