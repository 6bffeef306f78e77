"""Writes the scalars of training, and if wanted histograms of the weights, for TensorBoard."""

from collections.abc import Mapping

import keras

from source.callback import _compression, _event_file, _folder, _scalars, callback, schedule
from source.config import settings
from source.config.config import CallbackConfig
from source.config.errors import ConfigError
from source.config.nearest import did_you_mean


@settings.settings
class Config(CallbackConfig):
    """What the summaries of training know.

    Attributes:
        histograms: also write the histogram of every trainable weight at the end of every epoch.
    """

    histograms: bool = False


def build(config: CallbackConfig) -> callback.Callback:
    """Returns the callback that writes summaries into the folder of the run.

    Every point is the mean over the steps since the point before; the learning rate is that of the last step. With a
    compressor there are also `compression/<layer>/<weight>/sparsity`, `bits`, `low` and `high` of what layers see.
    Which outputs are written is said by `summary_names` of the runner.

    Args:
        config: `save_summary_steps` and `histograms` are read.
    """
    return _TrainSummary(settings.adopt(Config, config))


class _TrainSummary(callback.Callback):
    config: Config
    _file: _event_file.EventFile

    @property
    def schedule(self) -> schedule.Schedule:
        every = schedule.EverySteps(self.config.save_summary_steps)
        return schedule.FirstOf((every, schedule.EveryEpoch())) if self.config.histograms else every

    def before_run(self, run: callback.Run) -> None:
        self._file = _event_file.EventFile(_folder.folder_of(run, "train_summary", "tensorboard/train"))
        self._file.drop_after(run.progress.step)

    def after_step(self, run: callback.Run, window: callback.Window) -> Mapping[str, str] | None:
        points = {**_scalars.of_window(window), **_scalars.speed_of(window)}
        if run.modeler.compressor is not None:
            points |= _compression.points(run.modeler.compressor, run.modeler.model)
        self._file.scalars(_wanted(points, run.config.summary_names), window.last_step)
        if self.config.histograms and schedule.EveryEpoch().is_due(run.progress):
            for variable in run.modeler.model.trainable_variables:
                values = keras.ops.convert_to_numpy(variable)
                self._file.histogram(f"weights/{variable.path}", values, window.last_step)
        self._file.flush()
        return None

    def after_run(self, run: callback.Run) -> None:
        self._file.close()


def _wanted(points: Mapping[str, float], names: tuple[str, ...]) -> Mapping[str, float]:
    for name in names:
        if name not in points:
            raise ConfigError(f"summary_names: no output is called `{name}`. {did_you_mean(name, points)}")
    return {name: points[name] for name in names} if names else points
