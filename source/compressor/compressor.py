"""What a compressor is: prepares a model, follows the steps of training, and makes the result permanent."""

import abc
from collections.abc import Iterable
from typing import Any

import keras

from source.compressor import report
from source.compressor._keras_callback import CompressionCallback
from source.config.config import CompressorConfig
from source.config.errors import ConfigError
from source.layer.compressed import Compressed, compressed_layers, transformations_of
from source.surgery.bake import bake

Calibration = Any


class Compressor(abc.ABC):
    """Makes a model smaller in the course of its training.

    The order of calls: `prepare` returns the model to train; `update` brings it to what it is to be at a step, at the
    start and whenever `next_update` says; `finish` returns plain layers. `keras_callback` does the updates in
    `model.fit`, the callback `compression` in our runner.

    What a compressor knows of a model stands in the model: a prepared model that was saved and loaded is taken up
    again with `attach`.

    Attributes:
        config: the settings.
        name: of the plugin, for messages and reports.
    """

    name: str = ""

    def __init__(self, config: CompressorConfig) -> None:
        self.config = config
        self.name = self.name or type(self).__module__.rpartition(".")[2]
        self._model: keras.Model | None = None

    @abc.abstractmethod
    def prepare(self, model: keras.Model, calibration: Calibration = None) -> keras.Model:
        """Returns a copy of the model that is compressed as it trains; the model itself stays as it is.

        Args:
            model: functional or sequential, built.
            calibration: inputs of the model, one array or a list of batches, for compressors that must see
                activations.

        Raises:
            ConfigError: for a model or a layer that cannot be compressed, and for rules without effect.
        """

    def attach(self, model: keras.Model, total_steps: int | None = None) -> None:
        """Takes up a model that `prepare` returned, here or before it was saved.

        Args:
            model: a prepared model.
            total_steps: that training will have done at its end, if known.

        Raises:
            ConfigError: for a model that was not prepared, and for a schedule that would not act within the steps.
        """
        if not self.owns(model):
            raise ConfigError(
                f"{self.name}: model `{model.name}` has nothing of this compressor. Train what "
                "`compressor.prepare(model)` returns."
            )
        first = self.first_step
        if total_steps is not None and first is not None and first > total_steps:
            raise ConfigError(
                f"{self.name}: its schedule begins at step {first:,}, but training ends at step {total_steps:,}: "
                "nothing would be compressed. Begin earlier, or train longer."
            )
        self._model = model

    def owns(self, model: keras.Model) -> bool:
        """Returns whether a model has something of this compressor."""
        return any(each.owner == self.name for each in transformations_of(model))

    @property
    def model(self) -> keras.Model:
        """The model in training.

        Raises:
            ConfigError: before `prepare` or `attach`.
        """
        if self._model is None:
            raise ConfigError(f"{self.name}: there is no model yet. Call `prepare(model)` first.")
        return self._model

    @property
    def needs_calibration(self) -> bool:
        """Whether `prepare` must be given inputs of the model to look at."""
        return False

    @property
    def first_step(self) -> int | None:
        """The step at which the compressor first acts by itself; None if it has no schedule."""
        return self.next_update(-1)

    def next_update(self, step: int) -> int | None:
        """Returns the first step after `step` at which `update` changes something; None if there is none.

        Args:
            step: steps done; -1 asks for the first of all.
        """
        return None

    def update(self, step: int) -> None:  # noqa: B027 (most have a schedule, some do not)
        """Brings the model to what it is to be when `step` steps are done.

        Args:
            step: not negative.
        """

    def finish(self, model: keras.Model) -> keras.Model:
        """Returns a copy of a trained model with plain layers and the same outputs.

        Args:
            model: a prepared model.

        Raises:
            ConfigError: when nothing was compressed, because the schedule never came to act.
        """
        self.attach(model)
        self.check_finished(model)
        return bake(model)

    def check_finished(self, model: keras.Model) -> None:  # noqa: B027 (a check that only some need)
        """Refuses to finish a model that nothing has happened to.

        Raises:
            ConfigError: saying why.
        """

    def report(self, model: keras.Model) -> report.Report:
        """Returns what is kept of each weight, in how many bits and bytes, and what was not compressed and why.

        Args:
            model: a prepared model.
        """
        return report.of_model(model, self.reason)

    def reason(self, layer: keras.layers.Layer, path: str, variable: keras.Variable) -> str:
        """Returns why a weight is not compressed, a few words.

        Args:
            layer: the layer itself, not a wrapper.
            path: of the weight below the layer.
            variable: the weight.
        """
        return "not treated by this compressor"

    def keras_callback(self) -> keras.callbacks.Callback:
        """Returns the callback that follows the steps of `model.fit`."""
        return CompressionCallback(self)

    def _mine(self, model: keras.Model, kind: type) -> Iterable[tuple[Compressed, str, Any]]:
        """Yields the compressor's transformations of a kind in a model, with the layer and the place of each."""
        for layer in compressed_layers(model):
            for place, each in layer.transformations():
                if isinstance(each, kind) and each.owner == self.name:
                    yield layer, place, each
