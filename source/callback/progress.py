"""Shows how far training has come: a bar with the time left on a terminal, a line now and then elsewhere."""

import time
import weakref
from collections.abc import Callable, Mapping

import rich.console
import rich.progress

from source.callback import _text, callback
from source.callback.schedule import EverySeconds, Progress, Schedule
from source.config import settings
from source.config.config import CallbackConfig

Config = CallbackConfig

_BAR_SECONDS = 1.0
_LINE_SECONDS = 10.0


def build(config: CallbackConfig) -> callback.Callback:
    """Returns the callback that shows progress: steps, examples a second, loss, accuracy and the time left.

    Args:
        config: what every callback knows; nothing of it is read.
    """
    return _Progress(settings.adopt(Config, config), rich.console.Console(), time.monotonic)


class _Progress(callback.Callback):
    def __init__(self, config: CallbackConfig, console: rich.console.Console, clock: Callable[[], float]) -> None:
        super().__init__(config)
        self._console = console
        self._clock = clock
        self._said_at: float | None = None
        self._bar: rich.progress.Progress | None = None
        self._pace = _Pace()

    @property
    def schedule(self) -> Schedule:
        return EverySeconds(_BAR_SECONDS if self._console.is_terminal else _LINE_SECONDS)

    def before_run(self, run: callback.Run) -> None:
        self._pace = _Pace()
        if not self._console.is_terminal:
            return
        self._bar = _bar(self._console)
        # Gives the cursor back even if the run ends with an error and `after_run` is never called.
        weakref.finalize(self, self._bar.stop)
        self._bar.add_task("train", total=run.progress.max_step, completed=run.progress.step, texts="")
        self._bar.start()
        run.say_through(self._print)

    def after_step(self, run: callback.Run, window: callback.Window) -> Mapping[str, str] | None:
        self._pace.add(window)
        progress = run.progress
        texts = self._texts(progress, window)
        if self._bar is not None:
            task = self._bar.task_ids[0]
            self._bar.update(task, completed=progress.step, total=progress.max_step, texts="  ".join(texts))
            self._bar.refresh()
        elif self._is_time(progress):
            run.say(", ".join([_position(progress), *texts]))
        return None

    def after_run(self, run: callback.Run) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
            run.say_through(None)

    def _print(self, text: str) -> None:
        """Prints above the bar, as it is: no markup, no colours, no line breaks."""
        self._console.print(text, markup=False, highlight=False, emoji=False, soft_wrap=True)

    def _is_time(self, progress: Progress) -> bool:
        """Whether to print a line: half the period has to have passed, unless it is the first or the last.

        The first step takes much longer than others, so what is due after it comes too early.
        """
        now = self._clock()
        early = self._said_at is not None and now - self._said_at < _LINE_SECONDS / 2
        if early and progress.step < progress.max_step:
            return False
        self._said_at = now
        return True

    def _texts(self, progress: Progress, window: callback.Window) -> list[str]:
        texts = [_text.speed(window.examples, window.seconds)]
        if "loss" in window.mean:
            texts.append(f"loss {_text.significant(window.mean['loss'])}")
        if "accuracy" in window.mean:
            texts.append(f"accuracy {window.mean['accuracy']:.4f}")
        left = (progress.max_step - progress.step) * self._pace.seconds_per_step
        return [*texts, f"{_text.duration(left)} left"] if left > 0 else texts


class _Pace:
    """The mean time of a step; unknown, 0, in the first window, which makes the graph and tells nothing."""

    def __init__(self) -> None:
        self._is_first = True
        self._steps = 0
        self._seconds = 0.0

    def add(self, window: callback.Window) -> None:
        if self._is_first:
            self._is_first = False
            return
        self._steps += window.last_step - window.first_step + 1
        self._seconds += window.seconds

    @property
    def seconds_per_step(self) -> float:
        return self._seconds / self._steps if self._steps else 0.0


def _bar(console: rich.console.Console) -> rich.progress.Progress:
    return rich.progress.Progress(
        rich.progress.TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
        rich.progress.BarColumn(),
        rich.progress.TaskProgressColumn(),
        rich.progress.TextColumn("{task.fields[texts]}", markup=False),
        console=console,
        auto_refresh=False,
    )


def _position(progress: Progress) -> str:
    share = 100 * progress.step / progress.max_step
    return f"step {progress.step:,}/{progress.max_step:,} ({share:.0f} %), epoch {progress.epoch:.2f}"
