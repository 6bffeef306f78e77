"""A run that does nothing but write down what callbacks ask of it."""

import contextlib
import dataclasses
import json
import pathlib
from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

from source.callback.callback import Callback, Window
from source.callback.schedule import EveryEpoch, Progress
from source.config.config import Mode, RunnerConfig
from source.config.errors import CheckpointError


class FakeRun:
    """Implements `source.callback.callback.Run`; checkpoints are text files that hold the step."""

    def __init__(
        self,
        model_dir: pathlib.Path | None = None,
        mode: Mode = "train",
        max_step: int = 100,
        steps_per_epoch: float = 20.0,
        step: int = 0,
        checkpoint: int | None = None,
        modeler: Any = None,
        inputter: Any = None,
        **settings: Any,
    ) -> None:
        self.mode = mode
        self.modeler = modeler or FakeModeler()
        self.inputter = inputter or SimpleNamespace(
            class_names=("cat", "dog", "owl"), sample_names=lambda: [f"pictures/{i}.png" for i in range(100)]
        )
        self.config = RunnerConfig(mode=mode, **settings)
        self.model_dir = model_dir
        self.step = step
        self.max_step = max_step
        self.steps_per_epoch = steps_per_epoch
        self.interrupted: str | None = None
        self.checkpoint = checkpoint
        self.said: list[str] = []
        self.stopped: list[str] = []
        self.requested: list[tuple[str, int, int | None]] = []
        self.printer: Callable[[str], None] | None = None
        self.on_restore: Callable[[], None] = lambda: None

    @property
    def progress(self) -> Progress:
        return Progress(step=self.step, max_step=self.max_step, steps_per_epoch=self.steps_per_epoch)

    def say(self, text: str) -> None:
        self.said.append(text)
        if self.printer is not None:
            self.printer(text)

    def say_through(self, printer: Callable[[str], None] | None) -> None:
        self.printer = printer

    def stop(self, reason: str) -> None:
        self.stopped.append(reason)

    def restore_latest(self) -> int | None:
        if self.checkpoint is not None:
            self.step = self.checkpoint
            self.on_restore()
        return self.checkpoint

    def require_checkpoint(self) -> int:
        step = self.restore_latest()
        if step is None:
            raise CheckpointError(f"No checkpoint to {self.mode} with.")
        return step

    def restore_pretrained(self, path: str, skip: tuple[str, ...], rules: str | None = None) -> "FakeReport":
        return self.modeler.restore_pretrained(path, skip, rules)

    def request_checkpoint(self, folder: str = "checkpoints", keep: int | None = None) -> pathlib.Path:
        self.requested.append((folder, self.step, keep))
        return (self.model_dir or pathlib.Path("nowhere")) / folder / f"step_{self.step}.ckpt"

    def write_requested(self) -> None:
        """Writes the requested checkpoints, as a runner does when all callbacks are done."""
        for folder, step, _ in self.requested:
            path = (self.model_dir or pathlib.Path("nowhere")) / folder / f"step_{step}.ckpt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(str(step))
        self.requested = []


@dataclasses.dataclass(frozen=True)
class FakeReport:
    """What a fake modeler took from a file: all but the `missing`."""

    path: str
    missing: tuple[str, ...] = ()
    mismatched: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.path}: 3 weights loaded"


class FakeModeler:
    """Remembers what was restored into it, and has a model, an optimizer and a compressor when they are given."""

    def __init__(
        self, model: Any = None, optimizer: Any = None, precision: str = "float32", compressor: Any = None
    ) -> None:
        self.model = model
        self.compressor = compressor
        self.optimizer = optimizer
        self.config = SimpleNamespace(precision=precision)
        self.restored: list[tuple[str, tuple[str, ...]]] = []
        self.missing: tuple[str, ...] = ()

    def evaluation_weights(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    @contextlib.contextmanager
    def finished_model(self) -> Iterator[None]:
        prepared, self.model = self.model, self.compressor.finish(self.model)
        yield
        self.model = prepared

    def restore_pretrained(self, path: str, skip: tuple[str, ...], rules: str | None = None) -> FakeReport:
        self.restored.append((path, skip) if rules is None else (path, skip, rules))
        return FakeReport(path, self.missing)


def window(
    last_step: int,
    first_step: int = 1,
    seconds: float = 2.0,
    last: Mapping[str, float] | None = None,
    **scalars: float,
) -> Window:
    """A window of steps of 32 examples; the means are loss=0.25, accuracy=0.5 unless given."""
    values = scalars or {"loss": 0.25, "accuracy": 0.5}
    return Window(
        first_step=first_step,
        last_step=last_step,
        seconds=seconds,
        examples=32 * (last_step - first_step + 1),
        mean=values,
        last=last or values,
    )


def drive(
    callback: Callback,
    run: FakeRun,
    to_step: int | None = None,
    scalars: Callable[[int], Mapping[str, float]] = lambda step: {
        "loss": 1.0 / step,
        "accuracy": step / 1000,
    },
    evaluate: Callable[[int], Mapping[str, float]] | None = None,
) -> dict[int, Mapping[str, str]]:
    """Trains from `run.step` to `to_step` as a runner does, and returns the texts by step.

    Every step is a block; `scalars(step)` are its outputs, and `evaluate(step)` the metrics after each epoch.
    """
    first, texts = run.step + 1, {}
    for step in range(run.step + 1, (to_step or run.max_step) + 1):
        before = run.progress
        callback.before_step(run)
        run.step = step
        if callback.schedule.next_due(before) == step:
            callback.change_model(run)
        text: dict[str, str] = {}
        if evaluate is not None and EveryEpoch().next_due(before) == step:
            text |= callback.after_evaluate(run, evaluate(step)) or {}
        if callback.schedule.next_due(before) == step:
            outputs = [scalars(past) for past in range(first, step + 1)]
            mean = {name: sum(output[name] for output in outputs) / len(outputs) for name in outputs[-1]}
            text |= callback.after_step(run, window(step, first, seconds=0.5, last=outputs[-1], **mean)) or {}
            first = step + 1
        if text:
            texts[step] = text
        run.write_requested()
        if run.stopped:
            break
    return texts


def through_json(state: Mapping[str, Any]) -> dict[str, Any]:
    """The state as it comes back from a checkpoint."""
    return json.loads(json.dumps(state, allow_nan=False))
