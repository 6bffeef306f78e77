"""Weights some of whose channels are gone: nothing is seen of what makes them, nor of what reads them."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from source.layer.transformation import Tensor, Transformation


@keras.saving.register_keras_serializable(package="espalier")
class ChannelMask(Transformation):
    """w where the channels along all named axes are kept, 0 elsewhere; gradients pass where w does.

    Attributes:
        axes: of the weight along which channels lie, ascending.
    """

    def __init__(self, axes: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axes = tuple(axes)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates a line of booleans for each axis, all true."""
        super().build(input_shape)
        self.kept = {
            axis: self.add_weight(
                name=f"kept_{axis}", shape=(input_shape[axis],), dtype="bool", initializer="ones", trainable=False,
                aggregation="only_first_replica",
            )
            for axis in self.axes
        }  # fmt: skip

    def transform(self, x: Tensor, training: bool) -> Tensor:
        """Returns x without what is gone."""
        for axis, line in self.kept.items():
            shape = [1] * len(x.shape)
            shape[axis] = -1
            x = ops.where(ops.reshape(ops.convert_to_tensor(line), shape), x, 0.0)
        return x

    @property
    def description(self) -> str:
        """How many channels are kept along each axis."""
        if not self.built:
            return "channels"
        counts = [f"{int(ops.sum(ops.cast(line, 'int32')))} of {line.shape[0]}" for line in self.kept.values()]
        return f"channels {' x '.join(counts)}"

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments as plain values."""
        return {**super().get_config(), "axes": list(self.axes)}
