"""Lets any `keras.callbacks.Callback` take part in a training run."""

import dataclasses
import importlib
import math
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import keras

from source.callback import _scalars, callback, schedule
from source.config import settings
from source.config.config import CallbackConfig
from source.config.errors import ConfigError, MissingDependencyError, UnknownNameError
from source.config.nearest import did_you_mean

_BATCH_HOOKS = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")
# The modeler's optimizer follows a schedule, which these would have to take away.
_SET_THE_LEARNING_RATE = (keras.callbacks.ReduceLROnPlateau, keras.callbacks.LearningRateScheduler)


@settings.settings
class Config(CallbackConfig):
    """Which Keras callback, and with what.

    Attributes:
        target: a name in `keras.callbacks`, such as "CSVLogger", or the dotted path of a class.
        options: arguments of its constructor.
    """

    target: str = "History"
    options: dict[str, Any] = dataclasses.field(default_factory=dict)


def build(config: CallbackConfig) -> callback.Callback:
    """Returns the adapter of the Keras callback that the configuration names.

    Args:
        config: `target` and `options` are read.

    Raises:
        UnknownNameError: if there is no such callback; the nearest names are offered.
        ConfigError: if the target is no Keras callback, or does not take these options.
    """
    own = settings.adopt(Config, config)
    found = _find(own.target)
    if not _is_keras_callback(found):
        raise ConfigError(
            f"keras_callback.target: `{own.target}` must be a subclass of keras.callbacks.Callback. "
            f"Received: {found!r}."
        )
    try:
        made = found(**own.options)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"keras_callback.options: `{own.target}` refuses them: {error}") from error
    return adapt(made, own)


def adapt(keras_callback: keras.callbacks.Callback, config: CallbackConfig | None = None) -> callback.Callback:
    """Returns a callback that forwards to a Keras callback.

    It is told of the beginning and the end of training and of epochs, with the means of the epoch and, as
    `val_...`, the evaluation of its last step. Batches are forwarded only if it overrides their hooks,
    because then every step comes back to Python. `model.stop_training = True` ends the run. What it remembers
    itself begins anew in a resumed run.

    Args:
        keras_callback: the one to forward to.
        config: what every callback knows; defaults if None.

    Raises:
        ConfigError: if it is one that sets the learning rate, which is the modeler's to set.
    """
    if isinstance(keras_callback, _SET_THE_LEARNING_RATE):
        raise ConfigError(
            f"keras_callback.target: `{type(keras_callback).__name__}` sets the learning rate, which follows "
            f"the schedule of the modeler. Set `lr_method` of the modeler instead."
        )
    return _KerasCallback(keras_callback, config or Config())


class _KerasCallback(callback.Callback):
    def __init__(self, keras_callback: keras.callbacks.Callback, config: CallbackConfig) -> None:
        super().__init__(config)
        self._keras = keras_callback
        self._wants_batches = any(_overrides(keras_callback, hook) for hook in _BATCH_HOOKS)
        self._model = _ModelView(None, None)
        self._training = False
        self._epoch: int | None = None
        self._batch = 0
        self._steps = 0
        self._totals: dict[str, float] = {}
        self._evaluation: dict[str, float] = {}

    @property
    def schedule(self) -> schedule.Schedule:
        return schedule.EverySteps(1) if self._wants_batches else schedule.EveryEpoch()

    def before_run(self, run: callback.Run) -> None:
        progress = run.progress
        epochs = math.ceil(progress.max_step / progress.steps_per_epoch)
        self._model = _ModelView(run.modeler.model, run.modeler.optimizer)
        self._keras.set_params({"epochs": epochs, "steps": math.ceil(progress.steps_per_epoch), "verbose": 0})
        self._keras.set_model(self._model)
        self._training = True
        self._keras.on_train_begin()
        self._stop_if_asked(run)

    def before_step(self, run: callback.Run) -> None:
        progress = run.progress
        if self._epoch is None:
            # 1e-9 takes back the rounding of an epoch that ends exactly at a step.
            self._epoch = int(progress.epoch + 1e-9)
            self._batch = progress.step - math.ceil(self._epoch * progress.steps_per_epoch - 1e-9)
            self._keras.on_epoch_begin(self._epoch)
        if self._wants_batches:
            self._keras.on_train_batch_begin(self._batch)

    def after_evaluate(self, run: callback.Run, metrics: Mapping[str, float]) -> Mapping[str, str] | None:
        self._evaluation = {f"val_{name}": value for name, value in _scalars.of_evaluation(metrics).items()}
        return None

    def after_step(self, run: callback.Run, window: callback.Window) -> Mapping[str, str] | None:
        self._add(window)
        if self._wants_batches:
            self._keras.on_train_batch_end(self._batch, _scalars.of_window(window))
            self._batch += 1
        if schedule.EveryEpoch().is_due(run.progress):
            self._end_epoch(window)
        self._stop_if_asked(run)
        if run.progress.step >= run.progress.max_step:
            self._end_training()
        return None

    def after_run(self, run: callback.Run) -> None:
        """An interrupted run is not at its end: it is resumed with the weights that it has now."""
        if not run.interrupted:
            self._end_training()

    def state(self) -> dict[str, Any]:
        return {"steps": self._steps, "totals": self._totals}

    def load_state(self, state: Mapping[str, Any]) -> None:
        self._steps, self._totals = state["steps"], dict(state["totals"])

    def _add(self, window: callback.Window) -> None:
        steps = window.last_step - window.first_step + 1
        self._steps += steps
        for name, mean in window.mean.items():
            self._totals[name] = self._totals.get(name, 0.0) + mean * steps

    def _end_epoch(self, window: callback.Window) -> None:
        logs = {name: total / self._steps for name, total in self._totals.items()}
        if "learning_rate" in window.last:
            logs["learning_rate"] = window.last["learning_rate"]
        self._keras.on_epoch_end(self._epoch, {**logs, **self._evaluation})
        self._epoch, self._steps, self._totals, self._evaluation = None, 0, {}, {}

    def _end_training(self) -> None:
        """At the last step this comes before the checkpoint is written, since it may change the weights."""
        if self._training:
            self._training = False
            self._keras.on_train_end()

    def _stop_if_asked(self, run: callback.Run) -> None:
        if self._model.stop_training:
            self._model.stop_training = False
            run.stop(f"keras_callback: `{type(self._keras).__name__}` asked for it.")


class _ModelView:
    """The model as Keras callbacks expect it: as if compiled, with an optimizer and `stop_training`.

    A view, because compiling the model itself would add to what it saves.
    """

    def __init__(self, model: keras.Model | None, optimizer: Any) -> None:
        self._model = model
        self.optimizer = optimizer
        self.stop_training = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self._model(*arguments, **named)  # type: ignore[misc]


def _overrides(keras_callback: keras.callbacks.Callback, hook: str) -> bool:
    """Whether the hook does something; `LambdaCallback` puts functions into the instance."""
    base = getattr(keras.callbacks.Callback, hook)
    return hook in vars(keras_callback) or getattr(type(keras_callback), hook) is not base


def _find(target: str) -> Any:
    """Returns what the name or the dotted path stands for, importing its module if need be."""
    module, _, name = target.rpartition(".")
    if not module:
        known = {name: value for name, value in vars(keras.callbacks).items() if _is_keras_callback(value)}
        if target not in known:
            raise UnknownNameError(
                f"keras_callback.target `{target}`: Keras has no such callback. {did_you_mean(target, known)}"
            )
        return known[target]
    loaded = _load(target, module)
    if not hasattr(loaded, name):
        raise UnknownNameError(
            f"keras_callback.target `{target}`: {module} has no `{name}`. {did_you_mean(name, vars(loaded))}"
        )
    return getattr(loaded, name)


def _is_keras_callback(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, keras.callbacks.Callback)


def _load(target: str, module: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if f"{module}.".startswith(f"{error.name}."):
            raise UnknownNameError(f"keras_callback.target `{target}`: there is no module `{error.name}`.") from error
        raise MissingDependencyError(
            f"keras_callback.target `{target}`: its module {module} needs `{error.name}`, which is not "
            f"installed. Install it and try again."
        ) from error
