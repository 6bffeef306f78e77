"""What a callback is, what it is told, and what it may ask of the run."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

from source.callback.schedule import Never, Progress, Schedule
from source.config.config import CallbackConfig, Mode


@dataclasses.dataclass(frozen=True, kw_only=True)
class Window:
    """What happened since a callback was last due.

    Attributes:
        first_step: the first step of the window, counted from 1.
        last_step: the last step of the window, which the run has just done.
        seconds: time spent in these steps, without evaluations and other callbacks.
        examples: examples seen in these steps.
        mean: mean over the steps of each scalar output of the modeler: loss, accuracy, ...
        last: each scalar output in the last step.
    """

    first_step: int
    last_step: int
    seconds: float
    examples: int
    mean: Mapping[str, float]
    last: Mapping[str, float]


class Run(Protocol):
    """What a callback may ask of the run that calls it: the runner, seen from here."""

    mode: Mode
    modeler: Any
    inputter: Any
    config: Any
    model_dir: pathlib.Path | None

    @property
    def progress(self) -> Progress:
        """How far the run has come."""

    @property
    def interrupted(self) -> str | None:
        """The signal that asked the run to stop, such as "SIGTERM"; None if there was none."""

    def say(self, text: str) -> None:
        """Prints a line without disturbing a progress bar."""

    def say_through(self, printer: Any) -> None:
        """Lets `printer(text)` print all lines from now on; None gives printing back."""

    def stop(self, reason: str) -> None:
        """Ends the run after the callbacks of this step, as if it had reached its last step."""

    def restore_latest(self) -> int | None:
        """Returns the step of the newest readable checkpoint, after restoring it; None if there is none."""

    def require_checkpoint(self) -> int:
        """Returns the step of the newest readable checkpoint, after restoring it; else an error."""

    def restore_pretrained(self, path: str, skip: Sequence[str], rules: str | None) -> Any:
        """Takes weights from a file, by rules if there are any, and returns the modeler's report of it."""

    def request_checkpoint(self, folder: str = "checkpoints", keep: int | None = None) -> pathlib.Path:
        """Returns where a checkpoint will be written once all callbacks of this step are done."""


class Callback:
    """Something that happens beside the steps. Subclasses override the hooks they need.

    The hooks in the order of a training run:

    1. `before_run`, once, when the model and the optimizer exist;
    2. `before_step`, before every block of steps that runs in the graph (with a schedule of `EverySteps(1)` a
       block is one step);
    3. `change_model`, at the steps that `schedule` names, before an evaluation of the same step measures the change;
    4. `after_evaluate`, when an evaluation has ended, before `after_step` of the same step;
    5. `after_step`, at the steps that `schedule` names;
    6. `after_run`, once, also when the run was interrupted.

    Mode "evaluate" calls `before_run`, `after_evaluate`, `after_run`; mode "infer" calls `before_run`,
    `after_predict` for every batch, `after_run`.

    Attributes:
        modes: the modes of a run in which this callback acts; in others it is passed over.
        restores: whether `before_run` restores weights; such a callback must be the first of its list,
            because others read what it restored.
        compresses: whether it forwards the steps to the modeler's compressor.
    """

    modes: ClassVar[frozenset[Mode]] = frozenset({"train"})
    restores: ClassVar[bool] = False
    compresses: ClassVar[bool] = False

    def __init__(self, config: CallbackConfig) -> None:
        self.config = config

    @property
    def schedule(self) -> Schedule:
        """When `after_step` is due; never, unless a subclass says otherwise."""
        return Never()

    def before_run(self, run: Run) -> None:
        """Called once, when the model and the optimizer exist and before anything runs."""

    def before_step(self, run: Run) -> None:
        """Called before every block of steps."""

    def change_model(self, run: Run) -> None:
        """Called first at the steps that `schedule` names: the place to change weights or masks."""

    def after_step(self, run: Run, window: Window) -> Mapping[str, str] | None:
        """Called at the steps that `schedule` names.

        Args:
            run: the run, at `window.last_step`.
            window: what happened since the last call.

        Returns:
            Texts by name, such as {"loss": "0.25"}, which the runner joins into one printed line; or None.
        """
        return None

    def after_evaluate(self, run: Run, metrics: Mapping[str, float]) -> Mapping[str, str] | None:
        """Called when an evaluation has ended, with its scalar metrics.

        Returns:
            Texts by name for the printed line, or None.
        """
        return None

    def after_predict(self, run: Run, outputs: Mapping[str, Any]) -> None:
        """Called in mode "infer" for every batch.

        Args:
            run: the run.
            outputs: NumPy arrays without padding rows: `index` (b,), `image` (b, h, w, c) as the network saw
                it, and what the modeler predicts, such as `classes` (b,) and `probabilities` (b, classes).
        """

    def after_run(self, run: Run) -> None:
        """Called once, when the run ends; `run.interrupted` tells whether it was stopped from outside."""

    def state(self) -> dict[str, Any]:
        """Returns what a resumed run must know, as values that JSON can hold exactly."""
        return {}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Takes back what `state` returned when the checkpoint was written."""
