"""Gates of channels: for each example, only the channels with the largest saliencies are let through."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from source.config.errors import ConfigError
from source.layer.transformation import Tensor

_DEPTHWISE = {3: keras.layers.DepthwiseConv1D, 4: keras.layers.DepthwiseConv2D}


@keras.saving.register_keras_serializable(package="espalier")
class ChannelGate(keras.layers.Layer):
    """y = a (sign g u + beta), with a = 1 for the channels of the largest g of an example, and 0 for the others.

    u is what a normalization without scale and offset returns, g the saliency of each channel, not negative. Gradients
    reach g through the channels that are let through. In training, strength * mean over examples of sum g is added to
    the loss. Gao et al.: Dynamic channel pruning: feature boosting and suppression, 2019,
    https://arxiv.org/abs/1810.05331

    Attributes:
        density: share of channels to be let through in the end, in (0, 1].
        strength: of the loss, not negative.
        axis: of u along which channels lie.
    """

    def __init__(self, density: float = 1.0, strength: float = 0.0, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"}, autocast=False)
        if not 0 < density <= 1 or strength < 0:
            received = f"density={density}, strength={strength}"
            raise ConfigError(f"`density` must be in (0, 1], `strength` not negative. Received: {received}.")
        self.density = density
        self.strength = strength
        self.axis = axis

    def build(self, u_shape: tuple[int | None, ...], saliency_shape: tuple[int | None, ...]) -> None:
        """Creates offsets, signs, and how many channels are let through: all."""
        self.channels = int(u_shape[self.axis] or 0)
        line = {"shape": (self.channels,), "aggregation": "only_first_replica"}
        self.beta = self.add_weight(name="beta", shape=(self.channels,), initializer="zeros")
        self.sign = self.add_weight(name="sign", initializer="ones", trainable=False, **line)
        every = keras.initializers.Constant(self.channels)
        self.kept = self.add_weight(
            name="kept", initializer=every, trainable=False, dtype="int32", **{**line, "shape": ()}
        )
        self._ranks = (len(u_shape), len(saliency_shape))

    def call(self, u: Tensor, saliency: Tensor, training: bool | None = None) -> Tensor:
        """Returns y in the type of u.

        Args:
            u: (b, ..., c), normalized.
            saliency: (b, c).
            training: whether the call belongs to a training step.
        """
        g = ops.cast(saliency, "float32")
        if training and self.strength and not isinstance(u, keras.KerasTensor):
            self.add_loss(self.strength * ops.mean(ops.sum(ops.abs(g), axis=-1)))
        y = ops.cast(u, "float32") * ops.reshape(g, self._over_space(-1))
        sign, beta = (ops.reshape(each, self._over_space(1)) for each in (self.sign, self.beta))
        active = ops.cast(winners(g, ops.convert_to_tensor(self.kept)), "float32")
        return ops.cast((y * sign + beta) * ops.reshape(active, self._over_space(-1)), u.dtype)

    def compute_output_spec(
        self, u: keras.KerasTensor, saliency: keras.KerasTensor, training: bool | None = None
    ) -> keras.KerasTensor:
        """Returns the shape and type of u."""
        return keras.KerasTensor(u.shape, dtype=u.dtype)

    def let_through(self, density: float) -> None:
        """Sets how many channels of each example are let through: the share, rounded up.

        Args:
            density: in (0, 1].
        """
        self.kept.assign(count_of(self.channels, density))

    def plain(self) -> Callable[[keras.KerasTensor, keras.KerasTensor], keras.KerasTensor]:
        """Returns what computes the same with layers and operations of Keras alone, as it is now."""

        def emit(u: keras.KerasTensor, saliency: keras.KerasTensor) -> keras.KerasTensor:
            # A model of its own: Keras names operations by itself, and other names in the model around may be the same.
            inputs = [keras.Input(batch_shape=each.shape, dtype=each.dtype) for each in (u, saliency)]
            return keras.Model(inputs, self._plain(*inputs), name=self.name)([u, saliency])

        return emit

    def _plain(self, u: keras.KerasTensor, saliency: keras.KerasTensor) -> keras.KerasTensor:
        kept = int(ops.convert_to_numpy(self.kept))
        y = self._affine()(ops.multiply(ops.cast(u, "float32"), ops.reshape(saliency, self._over_space(-1))))
        if kept < self.channels:
            active = ops.cast(winners(saliency, kept), "float32")
            y = ops.multiply(y, ops.reshape(active, self._over_space(-1)))
        return ops.cast(y, u.dtype)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments as plain values."""
        settings = {"density": self.density, "strength": self.strength, "axis": self.axis}
        return {"name": self.name, "trainable": self.trainable, **settings}

    def _over_space(self, rows: int) -> tuple[int, ...]:
        """Returns the shape in which a number for each channel goes with u."""
        shape = [1] * self._ranks[0]
        shape[0], shape[self.axis] = rows, self.channels
        return tuple(shape)

    def _affine(self) -> keras.layers.Layer:
        """Returns sign y + beta as a convolution of single pixels, which trains and saves like any."""
        rank = self._ranks[0]
        last = self.axis % rank == rank - 1
        layer = _DEPTHWISE[rank](
            1, data_format="channels_last" if last else "channels_first", name="affine", dtype="float32"
        )
        shape: list[int | None] = [None] * rank
        shape[self.axis] = self.channels
        layer.build(tuple(shape))
        layer.set_weights([ops.reshape(self.sign, layer.kernel.shape), ops.convert_to_numpy(self.beta)])
        return layer


def winners(saliency: Tensor, kept: int | Tensor) -> Tensor:
    """Returns which channels of each example are among the `kept` of the largest saliencies, the earlier of equal ones.

    Args:
        saliency: (b, c), not NaN.
        kept: how many, from 0 to c.

    Returns:
        bool (b, c), true exactly `kept` times in each row.
    """
    order = ops.argsort(ops.negative(ops.stop_gradient(saliency)), axis=-1)
    return ops.less(ops.argsort(order, axis=-1), kept)


def count_of(channels: int, density: float) -> int:
    """Returns ceil(channels * density), where what exceeds a whole number by less than 1e-6 is taken to be rounding.

    Args:
        channels: of the layer.
        density: in (0, 1].
    """
    return max(1, -int(-(channels * density - 1e-6) // 1))
