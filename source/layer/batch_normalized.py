"""A convolution or dense layer together with the batch normalization after it: one kernel, seen folded."""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from source.layer import weight_paths
from source.layer.transformation import Tensor


@keras.saving.register_keras_serializable(package="espalier")
class BatchNormalized(keras.layers.Layer):
    """BN(linear(x)): what a device computes as one linear layer with kernel w * s and bias beta + (b - mean) * s.

    s = gamma / sqrt(variance + epsilon) with the moving variance, one number for each output channel. A wrapper lets
    the kernel be seen as f(w * s) / s, so that rounding f acts on the numbers that are stored in the end, while
    normalization goes on with the statistics of the batch. Other ways compute the convolution twice: Krishnamoorthi,
    2018, https://arxiv.org/abs/1806.08342, section 3.2.2.

    Attributes:
        linear: the layer before, without activation.
        normalization: the batch normalization, over the last axis.
    """

    def __init__(
        self, linear: keras.layers.Layer, normalization: keras.layers.BatchNormalization, **kwargs: Any
    ) -> None:
        super().__init__(**{"name": linear.name, "dtype": linear.dtype_policy, **kwargs})
        self.linear = linear
        self.normalization = normalization
        self.supports_masking = linear.supports_masking
        if linear.built:
            self._build_normalization()

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Builds both layers, and whether statistics are frozen."""
        if not self.linear.built:
            self.linear.build(input_shape)
        if not self.normalization.built:
            self.normalization.build(self.linear.compute_output_shape(input_shape))
        self._build_normalization()

    def _build_normalization(self) -> None:
        if hasattr(self, "frozen") or not self.normalization.built:
            return
        self.frozen = self.add_weight(
            name="frozen", shape=(), initializer="zeros", trainable=False, aggregation="only_first_replica"
        )
        self.built = True

    def get_build_config(self) -> dict[str, Any]:
        """Returns what both layers need to be built."""
        return {
            "linear": self.linear.get_build_config(),
            "normalization": self.normalization.get_build_config(),
        }

    def build_from_config(self, config: Mapping[str, Any]) -> None:
        """Builds both layers from what `get_build_config` returned."""
        for layer, its_config in ((self.linear, config["linear"]), (self.normalization, config["normalization"])):
            if not layer.built:
                layer.build_from_config(its_config)
        self._build_normalization()

    def call(self, x: Tensor, training: bool | None = None) -> Tensor:
        """Returns the normalized output."""
        y = self.linear(x)
        if not training or not self.normalization.trainable:
            return self.normalization(y, training=False)
        return self._normalized_by_batch(y)

    def call_folded(self, x: Tensor) -> Tensor:
        """Returns what the folded layer returns, the same bits, where the kernel and the bias are seen folded already.

        Args:
            x: as for a call.
        """
        y = self.linear(x)
        return y if self.linear.use_bias else ops.add(y, ops.cast(self.folded_bias(), y.dtype))

    def folds(self, training: bool | None) -> bool:
        """Returns whether a call takes the moving statistics for sure, so that it may be one of the folded layer.

        Args:
            training: whether the call belongs to a training step.
        """
        return not training or not self.normalization.trainable

    def compute_output_spec(self, x: keras.KerasTensor, training: bool | None = None) -> keras.KerasTensor:
        """Returns the shape and type that the linear layer gives."""
        return self.linear.compute_output_spec(x)

    def channel_scale(self, path: str) -> Tensor | None:
        """Returns s in the shape that multiplies a weight, 1 where s is 0; None for weights that are not folded.

        Args:
            path: of the weight below this layer.
        """
        scale = self._by_channel(path)
        return None if scale is None else ops.where(scale == 0, 1.0, scale)

    def _by_channel(self, path: str) -> Tensor | None:
        variable = weight_paths.of(self)[path]
        if not any(variable is kernel for kernel in self.linear.weights) or len(variable.shape) < 2:
            return None
        rank = len(variable.shape)
        shape = [1] * rank
        axis = weight_paths.channel_axis(self.linear, "kernel") % rank
        shape[axis] = variable.shape[axis]
        if axis == rank - 2 and weight_paths.is_depthwise(self.linear, "kernel"):
            shape[-1] = variable.shape[-1]
        return ops.stop_gradient(ops.reshape(self._scale(), shape))

    def folded_kernel(self, path: str, kernel: Tensor) -> Tensor:
        """Returns a kernel that is folded already as it is stored: zero where s is, for which `channel_scale` has 1.

        Args:
            path: of the kernel below this layer.
            kernel: w * s, perhaps rounded.
        """
        return ops.where(self._by_channel(path) == 0, 0.0, kernel)

    def folded_bias(self, bias: Tensor | None = None) -> Tensor:
        """Returns beta + (b - mean) * s with the moving mean.

        Args:
            bias: b as it is seen; None takes the linear layer's own.
        """
        norm, before = self.normalization, bias
        if before is None:
            before = ops.convert_to_tensor(self.linear.bias) if self.linear.use_bias else 0.0
        offset = ops.convert_to_tensor(norm.beta) if norm.center else 0.0
        return offset + (before - ops.convert_to_tensor(norm.moving_mean)) * self._scale()

    def folded(self, kernel: Tensor, bias: Tensor | None = None) -> keras.layers.Layer:
        """Returns the linear layer with a kernel that is folded already, and with the bias that goes with it.

        Args:
            kernel: w * s, perhaps rounded.
            bias: b as it is seen; None takes the linear layer's own.
        """
        plain = type(self.linear).from_config({**self.linear.get_config(), "use_bias": True})
        plain.build_from_config(self.linear.get_build_config())
        [path] = [each for each in weight_paths.of(self) if self.channel_scale(each) is not None]
        [variable] = [weight for path, weight in weight_paths.of(plain).items() if weight_paths.is_kernel(path, weight)]
        variable.assign(self.folded_kernel(path, kernel))
        plain.bias.assign(self.folded_bias(bias))
        return plain

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments as plain values."""
        return {
            "name": self.name,
            "linear": keras.saving.serialize_keras_object(self.linear),
            "normalization": keras.saving.serialize_keras_object(self.normalization),
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "BatchNormalized":
        """Returns the layer that plain values mean."""
        layers = {key: keras.saving.deserialize_keras_object(config[key]) for key in ("linear", "normalization")}
        return cls(layers["linear"], layers["normalization"], name=config["name"])

    def _scale(self) -> Tensor:
        norm = self.normalization
        deviation = ops.sqrt(ops.convert_to_tensor(norm.moving_variance) + norm.epsilon)
        return (ops.convert_to_tensor(norm.gamma) if norm.scale else 1.0) / deviation

    def _normalized_by_batch(self, y: Tensor) -> Tensor:
        """Returns y normalized by its own statistics, which the moving ones follow; by these once they are frozen."""
        norm, numbers = self.normalization, ops.cast(y, "float32")
        axes = tuple(range(len(y.shape) - 1))
        moving = ops.convert_to_tensor(norm.moving_mean), ops.convert_to_tensor(norm.moving_variance)
        frozen = ops.convert_to_tensor(self.frozen) > 0
        batch = ops.moments(numbers, axes=axes, synchronized=norm.synchronized)
        mean, variance = (ops.where(frozen, old, new) for old, new in zip(moving, batch, strict=True))
        share = ops.where(frozen, 0.0, 1.0 - norm.momentum)
        for variable, old, new in zip((norm.moving_mean, norm.moving_variance), moving, batch, strict=True):
            variable.assign(old + share * (ops.stop_gradient(new) - old))
        gamma = ops.convert_to_tensor(norm.gamma) if norm.scale else None
        beta = ops.convert_to_tensor(norm.beta) if norm.center else None
        normalized = ops.batch_normalization(numbers, mean, variance, -1, beta, gamma, norm.epsilon)
        return ops.cast(normalized, y.dtype)
