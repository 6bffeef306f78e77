"""The callbacks of a run: which are due next, what they are told, what they remember."""

from collections.abc import Mapping, Sequence
from typing import Any

from source.callback.callback import Callback, Run
from source.callback.schedule import Progress
from source.config.config import Mode
from source.config.errors import ConfigError
from source.runner._train_loop import BlockResult
from source.runner._windows import OpenWindow


class CallbackList:
    """The callbacks that act in a mode, in their order, with an open window of steps for each."""

    def __init__(self, callbacks: Sequence[Callback], mode: Mode, examples_per_step: int) -> None:
        """Stores the callbacks that act in `mode`.

        Args:
            callbacks: callbacks in the order in which they are to be called.
            mode: the mode of the run.
            examples_per_step: the global batch size.

        Raises:
            ConfigError: if one that restores weights is not the first.
        """
        self._callbacks = [callback for callback in callbacks if mode in callback.modes]
        self._names = _unique_names(self._callbacks)
        self._examples_per_step = examples_per_step
        self._windows: list[OpenWindow] = []
        self._due: list[int | None] = []
        for position, callback in enumerate(self._callbacks):
            if callback.restores and position > 0:
                raise ConfigError(
                    f"callbacks: `{self._names[position]}` restores weights that the others read, "
                    f"so it must be the first. Received: {', '.join(self._names)}."
                )
        self.start_windows(0)

    @property
    def compress(self) -> bool:
        """Whether one of them forwards the steps to a compressor."""
        return any(callback.compresses for callback in self._callbacks)

    def start_windows(self, step: int) -> None:
        """Opens an empty window for every callback behind `step` steps done."""
        self._windows = [OpenWindow(first_step=step + 1) for _ in self._callbacks]
        self._due = [None for _ in self._callbacks]

    def next_due(self, progress: Progress) -> int:
        """Returns the first step ahead at which some callback is due, at most the last step."""
        due = self._due_steps(progress)
        return min((step for step in due if step is not None), default=progress.max_step)

    def before_run(self, run: Run) -> None:
        """Calls `before_run` of each."""
        for callback in self._callbacks:
            callback.before_run(run)

    def before_step(self, run: Run) -> None:
        """Calls `before_step` of each."""
        for callback in self._callbacks:
            callback.before_step(run)

    def change_model(self, run: Run, before: Progress) -> None:
        """Calls `change_model` of those that are due at the step reached.

        Args:
            run: the run, at the step reached.
            before: its progress before the last block of steps, by which due steps were asked for.
        """
        for due, callback in zip(list(self._due_steps(before)), self._callbacks, strict=True):
            if due == run.progress.step:
                callback.change_model(run)

    def add_block(self, result: BlockResult, seconds: float) -> None:
        """Adds a block of steps to every open window."""
        for window in self._windows:
            window.add(result.steps, seconds, result.totals, result.last)

    def after_step(self, run: Run, before: Progress) -> dict[str, str]:
        """Calls `after_step` of those that are due at the step reached, and returns the texts to print.

        Args:
            run: the run, at the step reached.
            before: its progress before the last block of steps, by which due steps were asked for.
        """
        texts: dict[str, str] = {}
        due = list(self._due_steps(before))
        for position, callback in enumerate(self._callbacks):
            if due[position] == run.progress.step:
                window = self._windows[position].closed(self._examples_per_step)
                self._windows[position] = OpenWindow(first_step=window.last_step + 1)
                texts.update(callback.after_step(run, window) or {})
        return texts

    def after_evaluate(self, run: Run, metrics: Mapping[str, float]) -> dict[str, str]:
        """Calls `after_evaluate` of each and returns the texts to print."""
        texts: dict[str, str] = {}
        for callback in self._callbacks:
            texts.update(callback.after_evaluate(run, metrics) or {})
        return texts

    def after_predict(self, run: Run, outputs: Mapping[str, Any]) -> None:
        """Calls `after_predict` of each."""
        for callback in self._callbacks:
            callback.after_predict(run, outputs)

    def after_run(self, run: Run) -> None:
        """Calls `after_run` of each."""
        for callback in self._callbacks:
            callback.after_run(run)

    def state(self) -> dict[str, Any]:
        """Returns what every callback remembers and its open window, by its name."""
        remembered = zip(self._names, self._callbacks, self._windows, strict=True)
        return {name: {"state": callback.state(), "window": window.state()} for name, callback, window in remembered}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Takes back what `state` returned; callbacks that were not there then begin afresh."""
        for position, (name, callback) in enumerate(zip(self._names, self._callbacks, strict=True)):
            if name in state:
                callback.load_state(state[name]["state"])
                self._windows[position] = OpenWindow(**state[name]["window"])

    def _due_steps(self, progress: Progress) -> Sequence[int | None]:
        """Returns the next due step of each callback; one that was named stays until it is reached.

        Asked anew after every block, a schedule by time would move ahead with the blocks of the others.
        """
        for position, callback in enumerate(self._callbacks):
            if (self._due[position] or 0) <= progress.step:
                self._due[position] = callback.schedule.next_due(progress)
        return self._due


def _unique_names(callbacks: Sequence[Callback]) -> list[str]:
    names: list[str] = []
    for callback in callbacks:
        name = type(callback).__module__.rpartition(".")[2]
        count = sum(other.partition("#")[0] == name for other in names)
        names.append(f"{name}#{count + 1}" if count else name)
    return names
