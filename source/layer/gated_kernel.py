"""Kernels that read channels through gates: what a closed gate lets nothing through of is not read."""

from typing import Any

import keras
import numpy as np
from keras import ops

from source.config.errors import TrainingError
from source.layer.stochastic_gates import StochasticGates
from source.layer.transformation import Tensor, Transformation


class _Held:
    """Holds the gates, so that Keras does not take them for a part of this layer."""

    def __init__(self) -> None:
        self.gates: StochasticGates | None = None
        self.places: np.ndarray | None = None


@keras.saving.register_keras_serializable(package="espalier")
class GatedKernel(Transformation):
    """w times the gate of each channel along the axis that products are summed over: gates of what the kernel reads.

    The gates belong to another layer and are not saved here: the compressor gives them again to a loaded model. What
    inference sees of them is: a loaded model has the outputs of the saved one at once.

    Attributes:
        axis: of the weight along which channels lie.
    """

    def __init__(self, axis: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis
        self._held = _Held()

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the line of factors for inference, 1 at first."""
        super().build(input_shape)
        self.line = self.add_weight(
            name="line", shape=(input_shape[self.axis],), initializer="ones", trainable=False,
            aggregation="only_first_replica",
        )  # fmt: skip

    def read_through(self, gates: StochasticGates, places: np.ndarray) -> None:
        """Says what the gates are.

        Args:
            gates: of all channels.
            places: of the channel at each index of the axis among them; -1 for one without a gate.
        """
        self._held.gates, self._held.places = gates, np.where(places < 0, gates.channels, places).astype(np.int32)
        self.note()

    def note(self) -> None:
        """Takes down what inference sees, for copies and files."""
        gates = self._held.gates
        if gates is not None and not bool(ops.convert_to_numpy(gates.ended)):
            self.line.assign(self._taken(gates.mask(training=False)))

    def settle(self, gates: np.ndarray) -> None:
        """Sets the factors that hold once the gates have ended.

        Args:
            gates: (channels,), of all of them.
        """
        self.line.assign(self._taken(gates))

    def transform(self, x: Tensor, training: bool) -> Tensor:
        """Returns x times the gates."""
        line, gates = ops.convert_to_tensor(self.line), self._held.gates
        if gates is not None:
            line = ops.where(ops.convert_to_tensor(gates.ended), line, self._taken(gates.mask(training)))
        elif training and not isinstance(x, keras.KerasTensor):
            raise TrainingError(
                f"Layer `{self.name}` does not know the gates that it reads through: call `compressor.attach(model)` "
                "with the `morphnet` compressor before training a loaded model."
            )
        shape = [1] * len(x.shape)
        shape[self.axis] = -1
        return x * ops.reshape(line, shape)

    def save_own_variables(self, store: Any) -> None:
        """Saves what inference sees at this moment.

        Args:
            store: what Keras gives.
        """
        self.note()
        super().save_own_variables(store)

    @property
    def description(self) -> str:
        """What it is."""
        return "gated inputs"

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments as plain values."""
        return {**super().get_config(), "axis": self.axis}

    def _taken(self, gates: Tensor) -> Tensor:
        return ops.take(ops.concatenate([gates, np.ones(1, np.float32)]), self._held.places, axis=0)
