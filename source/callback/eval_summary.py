"""Writes the metrics of evaluations for TensorBoard."""

from collections.abc import Mapping

from source.callback import _event_file, _folder, _scalars, callback
from source.config import settings
from source.config.config import CallbackConfig

Config = CallbackConfig


def build(config: CallbackConfig) -> callback.Callback:
    """Returns the callback that writes one point a metric and evaluation into `<model_dir>/tensorboard/evaluate`.

    Args:
        config: what every callback knows; nothing of it is read.
    """
    return _EvalSummary(settings.adopt(Config, config))


class _EvalSummary(callback.Callback):
    modes = frozenset({"train", "evaluate"})
    _file: _event_file.EventFile

    def before_run(self, run: callback.Run) -> None:
        self._file = _event_file.EventFile(_folder.folder_of(run, "eval_summary", "tensorboard/evaluate"))
        # An evaluation alone says nothing about the points behind its step; only training goes back to it.
        if run.mode == "train":
            self._file.drop_after(run.progress.step)

    def after_evaluate(self, run: callback.Run, metrics: Mapping[str, float]) -> Mapping[str, str] | None:
        self._file.scalars(_scalars.of_evaluation(metrics), run.progress.step)
        self._file.flush()
        return None

    def after_run(self, run: callback.Run) -> None:
        self._file.close()
