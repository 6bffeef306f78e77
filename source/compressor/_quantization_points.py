"""Where activations of a model are rounded: once for everything that a device computes in one go."""

from typing import Any

import keras

from source.config.errors import ConfigError
from source.graph.wiring import Wiring
from source.layer.channel_mask import ChannelMask
from source.layer.compressed import Compressed
from source.surgery.rewrite import graphs_of
from source.surgery.wrap import inside

# What gives back numbers that it was given, or zero: no rounding is needed after it.
_PASSING = {
    *("InputLayer", "Identity", "Flatten", "Reshape", "Permute", "RepeatVector", "Dropout", "Dropout1D", "Dropout2D"),
    *("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "GaussianDropout", "GaussianNoise", "AlphaDropout"),
    *("ActivityRegularization", "Masking", "MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "GlobalMaxPooling1D"),
    *("GlobalMaxPooling2D", "GlobalMaxPooling3D", "ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D", "Cropping1D"),
    *("Cropping2D", "Cropping3D", "Transpose", "Squeeze", "ExpandDims", "GetItem", "Ravel", "MoveAxis", "SwapAxes"),
    *("Split", "Unstack", "Take", "Flip", "Pad", "Copy", "StopGradient"),
}
# Rounded together with what feeds it, if that feeds nothing else.
_ACTIVATIONS = {
    *("ReLU", "Activation", "Relu", "Relu6", "LeakyReLU", "PReLU", "ELU", "Softmax", "Sigmoid", "Tanh", "Silu"),
    *("Gelu", "HardSwish", "HardSigmoid", "HardSilu", "Elu", "LeakyRelu", "Softplus", "Selu"),
}
_POSITIVE = {
    keras.activations.relu, keras.activations.relu6, keras.activations.sigmoid, keras.activations.hard_sigmoid,
    keras.activations.softmax, keras.activations.softplus, keras.activations.exponential,
}  # fmt: skip


class QuantizationPoints:
    """The operations of a model whose outputs are rounded, those whose inputs are, and the pairs to fold.

    Attributes:
        outputs: id of an operation to whether its numbers are known not to be negative.
        inputs: ids of operations that use an input of the model, floating point.
        folded: id of a layer to the batch normalization that follows it and nothing else does.
    """

    def __init__(self, model: keras.Model, fold: bool) -> None:
        """Reads a model.

        Args:
            model: functional or sequential, built.
            fold: whether batch normalization is folded into the layer before it.
        """
        self.outputs: dict[int, bool] = {}
        self.inputs: set[int] = set()
        self.folded: dict[int, keras.layers.BatchNormalization] = {}
        self.absorbed: set[int] = set()
        for depth, graph in enumerate(graphs_of(model)):
            self._read(Wiring(graph), fold, is_outermost=depth == 0)

    def _read(self, wiring: Wiring, fold: bool, is_outermost: bool) -> None:
        for name, operation in wiring.operations.items():
            follower = wiring.only_consumer(name)
            foldable = follower is not None and _is_normalization(follower) and not wiring.is_shared(follower.name)
            if fold and _is_foldable(operation):
                _refuse_masked(follower)
            if fold and foldable and _is_foldable(operation):
                self.folded[id(operation)] = follower
                self.absorbed.add(id(follower))
            if is_outermost and _feeds_from_input(wiring, name):
                self.inputs.add(id(operation))
            if _makes_numbers(operation) and not _is_fused(operation, follower):
                self.outputs[id(operation)] = is_positive(operation)


def is_positive(operation: Any) -> bool:
    """Returns whether an operation is known to give no negative numbers.

    Args:
        operation: a layer, perhaps wrapped, or another operation.
    """
    layer = inside(operation)
    if isinstance(layer, keras.layers.ReLU):
        return not layer.negative_slope
    activation = getattr(layer, "activation", None)
    if activation is None or isinstance(layer, keras.layers.RNN):
        return type(layer).__name__ in ("Relu", "Relu6", "Softmax", "Sigmoid")
    return activation in _POSITIVE


def _makes_numbers(operation: Any) -> bool:
    """Returns whether an operation gives floating point numbers that are not those it was given."""
    if type(inside(operation)).__name__ in _PASSING or isinstance(operation, keras.Model):
        return False
    layer = inside(operation)
    if isinstance(layer, keras.layers.Activation) and layer.activation is keras.activations.linear:
        return False
    if _takes_every_nth(layer):
        return False
    first = keras.tree.flatten(operation.output)[0]
    return bool(keras.backend.is_float_dtype(keras.backend.standardize_dtype(first.dtype)))


def _takes_every_nth(layer: Any) -> bool:
    """Returns whether a pooling over single numbers leaves some of them out, as shortcuts without weights do.

    LiteRT wants one scale before and after it, and after a padding that follows.
    """
    kinds = (keras.layers.AveragePooling1D, keras.layers.AveragePooling2D, keras.layers.AveragePooling3D)
    return isinstance(layer, kinds) and all(size == 1 for size in keras.tree.flatten(layer.pool_size))


def _is_fused(operation: Any, follower: Any | None) -> bool:
    """Returns whether the one thing that uses an output is computed together with it."""
    if follower is None:
        return False
    if _is_normalization(follower):
        return _is_linear(operation)
    activation = getattr(inside(operation), "activation", keras.activations.linear)
    return type(inside(follower)).__name__ in _ACTIVATIONS and activation is keras.activations.linear


def _is_linear(operation: Any) -> bool:
    kinds = (keras.layers.Dense, keras.layers.EinsumDense, keras.layers.Conv1D, keras.layers.Conv2D)
    more = (keras.layers.Conv3D, keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)
    layer = inside(operation)
    return isinstance(layer, kinds + more) and layer.activation is keras.activations.linear


def _is_foldable(operation: Any) -> bool:
    layer = inside(operation)
    if not _is_linear(operation) or isinstance(layer, keras.layers.EinsumDense):
        return False
    return getattr(layer, "data_format", "channels_last") == "channels_last"


def _is_normalization(operation: Any, output: Any = None) -> bool:
    if not isinstance(operation, keras.layers.BatchNormalization):
        return False
    return operation.axis in (-1, len((operation.output if output is None else output).shape) - 1)


def _refuse_masked(follower: Any | None) -> None:
    """Refuses a batch normalization that could be folded if it did not stand behind masks of its channels."""
    if not isinstance(follower, Compressed):
        return
    owners = [each.owner for _, each in follower.transformations() if isinstance(each, ChannelMask)]
    if owners and _is_normalization(follower.layer, follower.output):
        raise ConfigError(
            f"Batch normalization `{follower.name}` has channels masked by {owners[0]}, so it cannot be folded into "
            f"the layer before it. Let rounding come before {owners[0]} in the chain; or finish {owners[0]} first, and "
            "quantize the smaller model; or set `fold_batch_norm` to false."
        )


def _feeds_from_input(wiring: Wiring, name: str) -> bool:
    if isinstance(wiring.operations[name], keras.layers.InputLayer):
        return False
    return any(isinstance(producer, keras.layers.InputLayer) for producer in wiring.producers(name))
