"""Keeps the checkpoints that were best in the evaluations, beside those that a run resumes from."""

import dataclasses
import json
import pathlib
from collections.abc import Mapping

from source.callback import _folder, _metric, callback
from source.config import settings
from source.config.config import CallbackConfig, require
from source.config.errors import CheckpointError, ConfigError

FOLDER = "checkpoints/best"
_LEDGER = "best.json"


@settings.settings
class Config(CallbackConfig):
    """What is best, and how many of the best are kept.

    Attributes:
        metric: which metric of the evaluation decides.
        goal: "max" if high values are better, "min" if low ones are; "auto" tells by the metric's name.
        keep_best: how many checkpoints to keep, at least 1.
    """

    metric: str = "accuracy"
    goal: _metric.Goal = "auto"
    keep_best: int = 1

    def __post_init__(self) -> None:
        CallbackConfig.__post_init__(self)
        _metric.require_goal(self.metric, self.goal)
        require(self.keep_best >= 1, "keep_best", "at least 1", self.keep_best)


def build(config: CallbackConfig) -> callback.Callback:
    """Returns the callback that keeps the best checkpoints in `<model_dir>/checkpoints/best`.

    Args:
        config: `metric`, `goal` and `keep_best` are read.
    """
    return _BestCheckpoint(settings.adopt(Config, config))


@dataclasses.dataclass(frozen=True)
class _Entry:
    """A checkpoint that was among the best when it was asked for."""

    step: int
    value: float
    file: str


class _BestCheckpoint(callback.Callback):
    """Remembers in a ledger beside the checkpoints: the best may be newer than what a run resumes from.

    The order is: the new entry goes into the ledger; the runner writes the checkpoint; the worse ones are
    deleted; the ledger forgets them. After a kill between any two of these, entries without a file are
    dropped and the best `keep_best` of the rest are kept. A run that is resumed earlier comes past the same
    steps and replaces its entries.
    """

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._watched = _metric.Watched(config.metric, config.goal)
        self._entries: list[_Entry] = []
        self._folder = pathlib.Path(FOLDER)

    def before_run(self, run: callback.Run) -> None:
        self._folder = _folder.folder_of(run, "best_checkpoint", FOLDER)
        self._entries = [entry for entry in self._read() if (self._folder / entry.file).exists()]
        self._delete_worse()
        if self._entries:
            best = self._entries[0]
            run.say(f"Best so far: {self.config.metric} {best.value:.6g} at step {best.step:,}.")

    def before_step(self, run: callback.Run) -> None:
        self._delete_worse()

    def after_run(self, run: callback.Run) -> None:
        self._delete_worse()

    def after_evaluate(self, run: callback.Run, metrics: Mapping[str, float]) -> Mapping[str, str] | None:
        value = self._watched.read(metrics, "best_checkpoint")
        step = run.progress.step
        others = [entry for entry in self._entries if entry.step != step]
        if value is None or sum(self._goes_before(entry, value) for entry in others) >= self.config.keep_best:
            return None
        path = run.request_checkpoint(folder=FOLDER, keep=None)
        self._remember([*others, _Entry(step, value, path.name)])
        return None

    def _goes_before(self, entry: _Entry, value: float) -> bool:
        return not self._watched.is_better(value, entry.value)

    def _delete_worse(self) -> None:
        """Deletes the worse ones as soon as every better one stands on the disk."""
        better, worse = self._entries[: self.config.keep_best], self._entries[self.config.keep_best :]
        if worse and all((self._folder / entry.file).exists() for entry in better):
            for entry in worse:
                (self._folder / entry.file).unlink(missing_ok=True)
            self._remember(better)

    def _remember(self, entries: list[_Entry]) -> None:
        """Sorts the entries, the best first and the older first among equals, and writes the ledger."""
        self._entries = sorted(entries, key=lambda entry: (-self._watched.sign * entry.value, entry.step))
        ledger = {
            "metric": self.config.metric,
            "kept": [dataclasses.asdict(entry) for entry in self._entries],
        }
        _folder.replace_text(self._folder / _LEDGER, json.dumps(ledger, indent=2) + "\n")

    def _read(self) -> list[_Entry]:
        path = self._folder / _LEDGER
        if not path.exists():
            return []
        try:
            ledger = json.loads(path.read_text(encoding="utf-8"))
            metric, entries = ledger["metric"], [_Entry(**entry) for entry in ledger["kept"]]
        except (ValueError, KeyError, TypeError) as error:
            raise CheckpointError(f"{path}: cannot be read ({error}). Remove it to begin anew.") from error
        if metric != self.config.metric:
            raise ConfigError(
                f"best_checkpoint.metric: the checkpoints in {self._folder} were kept by `{metric}`, which "
                f"says nothing about the best `{self.config.metric}`. Set it back, or move that folder away."
            )
        return entries
