"""Tells the steps of training to the modeler's compressor, and writes the finished model and its report at the end."""

import dataclasses
import json
import pathlib

import keras

from source.callback import _folder, callback, schedule
from source.compressor.compressor import Compressor
from source.compressor.report import Report
from source.config import settings
from source.config.config import CallbackConfig
from source.config.errors import ConfigError

_FINISHED, _REPORT = "finished.keras", "compression.json"


@settings.settings
class Config(CallbackConfig):
    """What is written when training is done.

    Attributes:
        save_finished: write the finished model, plain Keras layers with the weights as they are seen, as
            `finished.keras`.
    """

    save_finished: bool = True


def build(config: CallbackConfig) -> callback.Callback:
    """Returns the callback that compresses while a model trains.

    A resumed run goes on with the masks and limits of its checkpoint.

    Args:
        config: `model_dir` and `save_finished` are read.
    """
    return _Compression(settings.adopt(Config, config))


@dataclasses.dataclass(frozen=True)
class _Updates(schedule.Schedule):
    """Due whenever a compressor has something to change."""

    compressor: Compressor

    def next_due(self, progress: schedule.Progress) -> int | None:
        due = self.compressor.next_update(progress.step)
        return due if due is not None and due <= progress.max_step else None


class _Compression(callback.Callback):
    config: Config
    compresses = True

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._compressor: Compressor | None = None

    @property
    def schedule(self) -> schedule.Schedule:
        return schedule.Never() if self._compressor is None else _Updates(self._compressor)

    def before_run(self, run: callback.Run) -> None:
        """Takes up the model; what was due at the step of a checkpoint is in the checkpoint already."""
        compressor = run.modeler.compressor
        if compressor is None:
            raise ConfigError(
                "compression: the modeler has no compressor. Set `compressor`, or leave this callback out."
            )
        _folder.folder_of(run, "compression")
        progress = run.progress
        compressor.attach(run.modeler.model, None if run.config.dry_run else progress.max_step)
        if progress.step == 0:
            compressor.update(0)
        self._compressor = compressor

    def change_model(self, run: callback.Run) -> None:
        run.modeler.compressor.update(run.progress.step)

    def after_run(self, run: callback.Run) -> None:
        """An interrupted run is not at its end: it is resumed with the masks that it has now."""
        if run.interrupted or run.config.dry_run:
            return
        folder = _folder.folder_of(run, "compression")
        with run.modeler.evaluation_weights():
            report = run.modeler.compressor.report(run.modeler.model)
            _folder.replace_text(folder / _REPORT, json.dumps(report.to_dict(), indent=2) + "\n")
            run.say(_total(report))
            if self.config.save_finished:
                self._finish(run, folder / _FINISHED)

    def _finish(self, run: callback.Run, path: pathlib.Path) -> None:
        try:
            with run.modeler.finished_model():
                _save(run.modeler.model, path)
        except ConfigError as error:  # training was ended early; its checkpoint is yet to be written
            run.say(f"There is no finished model. {error}")


def _save(model: keras.Model, path: pathlib.Path) -> None:
    """Writes a model under another name first, so that there is always a whole one."""
    written = path.with_name(f"{path.stem}.tmp{path.suffix}")
    model.save(written)
    written.replace(path)


def _total(report: Report) -> str:
    totals = report.totals()
    return (
        f"compressed: {totals['kept']:,} of {totals['numbers']:,} weights kept ({totals['sparsity']:.2%} are zero), "
        f"{totals['bits']:.3f} bits each: {totals['bytes']:,} bytes of codes, scales and index, before a file of any "
        f"kind is written ({totals['ratio']:.2f} times fewer than float32)"
    )
