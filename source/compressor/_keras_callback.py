"""The callback that forwards the steps of `model.fit` to a compressor."""

from typing import Any, Protocol

import keras
from keras import ops


class Stepped(Protocol):
    """What follows the steps of training: a compressor."""

    def attach(self, model: keras.Model, total_steps: int | None = None) -> None:
        """Takes up the model that is trained."""

    def next_update(self, step: int) -> int | None:
        """Returns the first step after `step` at which `update` changes something."""

    def update(self, step: int) -> None:
        """Brings the model to what it is to be at a step."""


class CompressionCallback(keras.callbacks.Callback):
    """Updates a compressor before the steps at which it is due.

    Steps are those of the optimizer, so that training that is interrupted goes on where it was. With
    `steps_per_execution` above 1, an update due within an execution happens before it.
    """

    def __init__(self, compressor: Stepped) -> None:
        super().__init__()
        self._compressor = compressor
        self._before_epoch = 0
        self._next: int | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Takes up the model and brings it to where it is to be."""
        start = int(ops.convert_to_numpy(self.model.optimizer.iterations))
        steps, epochs = self.params.get("steps"), self.params.get("epochs")
        self._compressor.attach(self.model, start + steps * epochs if steps and epochs else None)
        self._before_epoch = start
        self._update(start)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Updates the compressor if it is due."""
        if self._next is not None and self._before_epoch + batch >= self._next:
            self._update(self._before_epoch + batch)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Counts the steps of the epoch."""
        self._before_epoch = int(ops.convert_to_numpy(self.model.optimizer.iterations))

    def on_train_end(self, logs: Any = None) -> None:
        """Does what is due at the last step."""
        if self._next is not None and self._next <= self._before_epoch:
            self._update(self._before_epoch)

    def _update(self, step: int) -> None:
        # On JAX the state of training stands apart from the variables until it is asked for.
        if hasattr(self.model, "jax_state_sync"):
            self.model.jax_state_sync()
        self._compressor.update(step)
        self._next = self._compressor.next_update(step)
