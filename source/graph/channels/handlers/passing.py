"""Layers that do the same with every channel and know nothing of how many there are."""

from typing import Any

import keras
import numpy as np

from source.graph.channels.flow import Flow
from source.graph.channels.handler import Handler, channel_axis, constants_of
from source.graph.trace import Step
from source.layer.distillation_loss import DistillationLoss
from source.layer.transformation import Transformation

_LAYERS = keras.layers
_OVER_SPACE = [
    *("MaxPooling", "AveragePooling", "GlobalMaxPooling", "GlobalAveragePooling", "AdaptiveMaxPooling"),
    *("AdaptiveAveragePooling", "Cropping", "UpSampling", "SpatialDropout"),
]


class Passing(Handler):
    """Activations, pooling, noise, rounding: channels come out as they go in."""

    kinds = (
        *(_LAYERS.Activation, _LAYERS.ReLU, _LAYERS.LeakyReLU, _LAYERS.ELU, _LAYERS.Identity, _LAYERS.Rescaling),
        *(_LAYERS.Dropout, _LAYERS.GaussianNoise, _LAYERS.GaussianDropout, _LAYERS.AlphaDropout),
        *(_LAYERS.ActivityRegularization, _LAYERS.Masking, _LAYERS.UnitNormalization, _LAYERS.Softmax),
        *(_LAYERS.Resizing, _LAYERS.CenterCrop, _LAYERS.RandomCrop, _LAYERS.RandomFlip, _LAYERS.RandomRotation),
        *(_LAYERS.RandomTranslation, _LAYERS.RandomZoom, Transformation, DistillationLoss),
        *(getattr(_LAYERS, f"{kind}{axes}D") for kind in _OVER_SPACE for axes in (1, 2, 3)),
    )
    names = (
        *("Relu", "Relu6", "LeakyRelu", "Elu", "Selu", "Celu", "Gelu", "Silu", "Sigmoid", "HardSigmoid", "HardSilu"),
        *("HardSwish", "HardTanh", "HardShrink", "SoftShrink", "TanhShrink", "LogSigmoid", "SparsePlus", "Softplus"),
        *("Softsign", "Squareplus", "Threshold", "Tanh", "Abs", "Absolute", "Negative", "Square", "Sqrt", "Rsqrt"),
        *("Reciprocal", "Exp", "Expm1", "Log", "Log1p", "Log2", "Log10", "Sin", "Cos", "Erf", "Sign", "Floor", "Ceil"),
        *("Round", "Clip", "Cast", "LogicalNot", "Isnan", "Isfinite", "ZerosLike", "OnesLike", "StopGradient"),
        *("FakeQuantWithMinMaxVars", "Softmax", "LogSoftmax", "Normalize", "RMSNorm", "StochasticDepth"),
        *("MaxPool", "AveragePool", "Resize"),
    )

    def follow(self, step: Step, flow: Flow) -> None:
        """Passes the channels on."""
        layer, tensor, [output] = step.operation, step.inputs[0], step.outputs
        if tuple(tensor.shape) == tuple(output.shape):
            flow.put(output, flow.of(tensor))
        else:
            kept = len(tensor.shape) == len(output.shape)
            axis = channel_axis(layer, tensor)
            flow.put_channels(output, flow.channels(tensor, axis), axis if kept else -1)
        labels = flow.of(output)
        if _has_numbers(layer) or any(each.size > 1 for each in constants_of(step)):
            flow.fix(labels, f"`{step.path}` has a number for each of them")
        if _over_channels(step, flow, ("softmax", "log_softmax"), (_LAYERS.Softmax,), ("Softmax", "LogSoftmax")):
            flow.fix(labels, f"`{step.path}` makes each of them depend on the others")
        if _over_channels(step, flow, (), (_LAYERS.UnitNormalization,), ("Normalize", "RMSNorm")):
            flow.doubt(labels, f"`{step.path}` normalizes over all of them: without some, the others change")
        if isinstance(layer, _LAYERS.Masking):
            flow.doubt(labels, f"`{step.path}` leaves out the steps at which all of them have a certain value")


def _has_numbers(layer: Any) -> bool:
    """Returns whether a layer has more than a number or two: limits of a rounding are for all channels."""
    scale = np.asarray(getattr(layer, "scale", 0.0)) if isinstance(layer, _LAYERS.Rescaling) else np.zeros(())
    return scale.size > 1 or any(int(np.prod(each.shape)) > 1 for each in getattr(layer, "weights", ()))


def _over_channels(
    step: Step, flow: Flow, activations: tuple[str, ...], kinds: tuple[type, ...], names: tuple[str, ...]
) -> bool:
    """Returns whether a layer does what is named along the axis of channels."""
    layer, tensor = step.operation, step.inputs[0]
    activation = getattr(getattr(layer, "activation", None), "__name__", "")
    named = not isinstance(layer, keras.layers.Layer) and type(layer).__name__ in names
    if activation not in activations and not isinstance(layer, kinds) and not named:
        return False
    axis = getattr(layer, "axis", -1)
    rank = len(tensor.shape)
    axes = range(rank) if axis is None else axis if isinstance(axis, (list, tuple)) else [axis]
    return flow.axis_of(tensor) % rank in [each % rank for each in axes]


HANDLER = Passing()
