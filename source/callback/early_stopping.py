"""Ends a run when a metric of the evaluation has stopped getting better."""

from collections.abc import Mapping
from typing import Any

from source.callback import _metric, _text, callback
from source.config import settings
from source.config.config import CallbackConfig, require


@settings.settings
class Config(CallbackConfig):
    """What the early end knows.

    Attributes:
        metric: which metric of the evaluation is watched.
        goal: "max" if high values are better, "min" if low ones are; "auto" tells by the metric's name.
        patience: evaluations in a row that may pass without getting better, at least 1.
        min_delta: by how much a value has to be better to count, at least 0.
    """

    metric: str = "loss"
    goal: _metric.Goal = "auto"
    patience: int = 5
    min_delta: float = 0.0

    def __post_init__(self) -> None:
        CallbackConfig.__post_init__(self)
        _metric.require_goal(self.metric, self.goal)
        require(self.patience >= 1, "patience", "at least 1", self.patience)
        require(self.min_delta >= 0, "min_delta", "at least 0", self.min_delta)


def build(config: CallbackConfig) -> callback.Callback:
    """Returns the callback that ends the run after `patience` evaluations without a better value.

    Args:
        config: `metric`, `goal`, `patience` and `min_delta` are read.
    """
    return _EarlyStopping(settings.adopt(Config, config))


class _EarlyStopping(callback.Callback):
    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._watched = _metric.Watched(config.metric, config.goal)
        self._best: float | None = None
        self._best_step = 0
        self._waited = 0

    def before_run(self, run: callback.Run) -> None:
        """A run that was ended is not taken up again, unless `patience` is raised."""
        self._stop_if_due(run)

    def after_evaluate(self, run: callback.Run, metrics: Mapping[str, float]) -> Mapping[str, str] | None:
        value = self._watched.read(metrics, "early_stopping")
        if value is not None and self._watched.is_better(value, self._best, self.config.min_delta):
            self._best, self._best_step, self._waited = value, run.progress.step, 0
        else:
            self._waited += 1
        self._stop_if_due(run)
        return None

    def state(self) -> dict[str, Any]:
        return {"best": self._best, "best_step": self._best_step, "waited": self._waited}

    def load_state(self, state: Mapping[str, Any]) -> None:
        self._best, self._best_step, self._waited = state["best"], state["best_step"], state["waited"]

    def _stop_if_due(self, run: callback.Run) -> None:
        if self._waited < self.config.patience:
            return
        best = "no finite value" if self._best is None else _text.significant(self._best)
        run.stop(
            f"early_stopping: `{self.config.metric}` has not got better in {self._waited} evaluations; the "
            f"best was {best} at step {self._best_step:,}."
        )
