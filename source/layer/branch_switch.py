"""Weights that go with a branch: what a branch adds of its own when it reads nothing any more."""

from typing import Any

import keras
from keras import ops

from source.layer.transformation import Tensor, Transformation


@keras.saving.register_keras_serializable(package="espalier")
class BranchSwitch(Transformation):
    """w while its branch is on, 0 when it is off.

    Attributes:
        branch: path of the first layer that makes the channels without which the branch reads nothing.
    """

    def __init__(self, branch: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.branch = branch

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the switch, on."""
        super().build(input_shape)
        self.on = self.add_weight(
            name="on", shape=(), dtype="bool", initializer="ones", trainable=False, aggregation="only_first_replica"
        )

    def transform(self, x: Tensor, training: bool) -> Tensor:
        """Returns x, or zeros."""
        return ops.where(ops.convert_to_tensor(self.on), x, 0.0)

    @property
    def description(self) -> str:
        """Whether the branch is there."""
        return "branch" if not self.built or bool(ops.convert_to_numpy(self.on)) else "no branch"

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments as plain values."""
        return {**super().get_config(), "branch": self.branch}
