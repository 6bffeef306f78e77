"""A run under way: what callbacks see, and the state that the loop carries."""

import contextlib
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import tensorflow as tf

from source.callback.schedule import Progress
from source.config.config import Mode, RunnerConfig
from source.config.errors import CheckpointError, ConfigError, DataError
from source.runner._events import CallbackList
from source.runner._interruption import Interruption
from source.runner._saver import Saver


class ActiveRun:
    """One mode of an application while it runs; callbacks receive it as `run`.

    Attributes:
        mode: the mode under way.
        config: the runner's settings.
        inputter: where batches come from.
        modeler: forward pass, loss, gradients, metrics.
        callbacks: the callbacks that act in this mode.
        model_dir: folder of the run; None if none was named.
        replicas: copies of the model that share a global batch.
        step: training steps done.
        has_pretrained_weights: whether weights were taken from `pretrained_model`.
        max_step: training steps done at the end of the run.
        seconds_per_step: measured over the last block of steps.
        stop_reason: why a callback ended the training early; None if none did.
        interruption: the stop that a signal asks for; None outside training.
        wanted_step: of the checkpoint to restore; None takes the newest.
    """

    def __init__(
        self,
        *,
        mode: Mode,
        config: RunnerConfig,
        inputter: Any,
        modeler: Any,
        callbacks: CallbackList,
        model_dir: pathlib.Path | None,
        replicas: int,
        scope: Callable[[], contextlib.AbstractContextManager[Any]] = contextlib.nullcontext,
    ) -> None:
        self.mode = mode
        self.config = config
        self.inputter = inputter
        self.modeler = modeler
        self.callbacks = callbacks
        self.model_dir = model_dir
        self.replicas = replicas
        self.step = 0
        self.has_pretrained_weights = False
        self.max_step = 0
        self.seconds_per_step = 0.0
        self.stop_reason: str | None = None
        self.interruption: Interruption | None = None
        self.wanted_step: int | None = None
        self._printer: Callable[[str], None] | None = None
        self._scope = scope
        self._saver = self._make_saver()

    @property
    def progress(self) -> Progress:
        """How far the run has come."""
        return Progress(
            step=self.step,
            max_step=self.max_step,
            steps_per_epoch=self.inputter.steps_per_epoch(self.replicas),
            seconds_per_step=self.seconds_per_step,
        )

    @property
    def interrupted(self) -> str | None:
        """The signal that asked the run to stop; None if there was none."""
        return self.interruption.reason if self.interruption else None

    @property
    def goes_on(self) -> bool:
        """Whether there are steps left and nothing asked for a stop."""
        return self.step < self.max_step and self.stop_reason is None and self.interrupted is None

    def say(self, text: str) -> None:
        """Prints a line, through the progress bar if there is one."""
        if self._printer is None:
            print(text, flush=True)
        else:
            self._printer(text)

    def say_through(self, printer: Callable[[str], None] | None) -> None:
        """Lets `printer` print all lines from now on; None gives printing back."""
        self._printer = printer

    def say_texts(self, texts: Mapping[str, str]) -> None:
        """Prints what callbacks returned as one line, after the step if this is training."""
        if texts:
            line = " | ".join(f"{name} {text}" for name, text in texts.items())
            self.say(f"step {self.step:,}/{self.max_step:,} | {line}" if self.mode == "train" else line)

    def stop(self, reason: str) -> None:
        """Ends training after the callbacks of this step, as if it had reached its last step."""
        self.stop_reason = reason

    def restore_latest(self) -> int | None:
        """Restores the newest readable checkpoint, or the wanted one, and returns its step; None if there is none."""
        record = None
        if self._saver is not None:
            record = self._saver.restore_latest(self.say, self.mode == "train", self.wanted_step)
        if record is None:
            return None
        self.step = record["step"]
        self.callbacks.start_windows(self.step)
        self.callbacks.load_state(record["callbacks"])
        return self.step

    def require_checkpoint(self) -> int:
        """Restores the newest readable checkpoint and returns its step.

        Raises:
            CheckpointError: if there is none.
        """
        step = self.restore_latest()
        if step is None:
            where = "`model_dir` is not set" if self._saver is None else f"{self._saver.folder} holds none"
            raise CheckpointError(
                f"There is no checkpoint to {self.mode} with: {where}. "
                f"Train first, or give the `model_dir` of a trained run, or weights as `pretrained_model`."
            )
        return step

    def restore_pretrained(self, path: str, skip: Sequence[str], rules: str | None = None) -> Any:
        """Takes weights from a file and returns the modeler's report of it.

        Args:
            path: a checkpoint or weights file.
            skip: weights whose path contains one of these stay as they are.
            rules: name or file of the rules that say what becomes of each array; None goes by names and shapes.

        Raises:
            CheckpointError: if the file cannot be read or nothing in it fits.
        """
        with self._scope():
            report = self.modeler.restore_pretrained(path, skip, rules)
        self._saver = self._make_saver()  # a compressor has prepared the model anew
        self.has_pretrained_weights = True
        return report

    def request_checkpoint(self, folder: str = "checkpoints", keep: int | None = None) -> pathlib.Path:
        """Asks for a checkpoint of this step, written when all callbacks are done, and returns where.

        Args:
            folder: where, below `model_dir`.
            keep: newest checkpoints of that folder to keep; None keeps all.

        Raises:
            ConfigError: if the run has no folder.
        """
        if self._saver is None:
            raise ConfigError("model_dir: must be set to save checkpoints. Give it to the runner or to the callbacks.")
        return self._saver.request(folder, self.step, keep)

    def save_requested(self) -> None:
        """Writes the checkpoints that were asked for at this step."""
        if self._saver is not None:
            self._saver.save_requested(self.step, self.callbacks.state())

    @contextlib.contextmanager
    def naming_bad_examples(self, split: str, step: int = 0) -> Iterator[None]:
        """Turns an error of the pipeline, which knows no file names, into one that names file and row.

        Args:
            split: what is being read: "train", "evaluate" or "infer".
            step: the first step whose batch may be at fault.
        """
        try:
            yield
        except tf.errors.OpError as error:
            bad: DataError | None = self.inputter.diagnose(split, step)
            if bad is None:
                raise
            raise bad from error

    def _make_saver(self) -> Saver | None:
        if self.model_dir is None:
            return None
        return Saver(self.model_dir, self.modeler.state(), self._identity(), self.modeler.compression())

    def _identity(self) -> dict[str, int]:
        """What the order of the training batches follows from; nothing outside training."""
        if self.mode != "train":
            return {}
        return {
            "seed": self.inputter.config.seed,
            "batch_size": self.inputter.batch_size(self.replicas),
            "num_samples": self.inputter.get_num_samples("train"),
        }
