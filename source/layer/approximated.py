"""The mark of a layer that computes approximately: how it does, and how far off it was found to be."""

from typing import Any

import keras
from keras import ops

from source.layer.transformation import Tensor, Transformation

_NOT_MEASURED = -1.0


@keras.saving.register_keras_serializable(package="espalier")
class Approximated(Transformation):
    """x itself; says of the layer whose output it is that it computes operators approximately.

    Attributes:
        operators: names of the approximations.
    """

    def __init__(self, operators: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.operators = operators

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the error, which is not known at first."""
        super().build(input_shape)
        initializer = keras.initializers.Constant(_NOT_MEASURED)
        self.error = self.add_weight(
            name="error", shape=(), initializer=initializer, trainable=False, aggregation="only_first_replica"
        )

    def transform(self, x: Tensor, training: bool) -> Tensor:
        """Returns x."""
        return x

    def set_error(self, error: float) -> None:
        """Notes how far off the layer was.

        Args:
            error: largest difference from the exact output, not negative.
        """
        self.error.assign(error)

    def lasting(self) -> None:
        """Returns None: the layer says by itself what it computes."""

    @property
    def description(self) -> str:
        """The operators, and how far off they were where that was measured."""
        error = float(ops.convert_to_numpy(self.error)) if self.built else _NOT_MEASURED
        return self.operators if error < 0.0 else f"{self.operators}, off by at most {error:.2g}"

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments as plain values."""
        return {**super().get_config(), "operators": self.operators}
