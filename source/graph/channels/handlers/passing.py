"""Layers that do the same with every channel and know nothing of how many there are."""

import keras

from source.graph.channels.flow import Flow
from source.graph.channels.handler import Handler, channel_axis
from source.graph.trace import Step
from source.layer.transformation import Transformation

_LAYERS = keras.layers
_MIXING = ("softmax", "log_softmax")


class Passing(Handler):
    """Activations, pooling, padding, noise, rounding: channels come out as they go in."""

    kinds = (
        *(_LAYERS.Activation, _LAYERS.ReLU, _LAYERS.LeakyReLU, _LAYERS.ELU, _LAYERS.Identity, _LAYERS.Rescaling),
        *(_LAYERS.Dropout, _LAYERS.SpatialDropout1D, _LAYERS.SpatialDropout2D, _LAYERS.SpatialDropout3D),
        *(_LAYERS.GaussianNoise, _LAYERS.GaussianDropout, _LAYERS.AlphaDropout, _LAYERS.ActivityRegularization),
        *(_LAYERS.MaxPooling1D, _LAYERS.MaxPooling2D, _LAYERS.MaxPooling3D),
        *(_LAYERS.AveragePooling1D, _LAYERS.AveragePooling2D, _LAYERS.AveragePooling3D),
        *(_LAYERS.GlobalMaxPooling1D, _LAYERS.GlobalMaxPooling2D, _LAYERS.GlobalMaxPooling3D),
        *(_LAYERS.GlobalAveragePooling1D, _LAYERS.GlobalAveragePooling2D, _LAYERS.GlobalAveragePooling3D),
        *(_LAYERS.ZeroPadding1D, _LAYERS.ZeroPadding2D, _LAYERS.ZeroPadding3D),
        *(_LAYERS.Cropping1D, _LAYERS.Cropping2D, _LAYERS.Cropping3D),
        *(_LAYERS.UpSampling1D, _LAYERS.UpSampling2D, _LAYERS.UpSampling3D, _LAYERS.Resizing),
        *(_LAYERS.UnitNormalization, _LAYERS.Softmax, Transformation),
    )
    names = (
        *("Relu", "Relu6", "Sigmoid", "Tanh", "Silu", "Gelu", "HardSigmoid", "HardSilu", "HardSwish", "LeakyRelu"),
        *(
            "Elu",
            "Selu",
            "Softplus",
            "Softsign",
            "Abs",
            "Absolute",
            "Negative",
            "Square",
            "Sqrt",
            "Exp",
            "Clip",
            "Cast",
        ),
        *("FakeQuantWithMinMaxVars", "StopGradient", "Softmax", "LogSoftmax", "StochasticDepth"),
    )

    def follow(self, step: Step, flow: Flow) -> None:
        """Passes the channels on."""
        layer, tensor, [output] = step.operation, step.inputs[0], step.outputs
        axis = channel_axis(layer, tensor)
        labels = flow.channels(tensor, axis)
        kept = len(tensor.shape) == len(output.shape)
        flow.put_channels(output, labels, axis if kept else -1)
        if _mixes(layer):
            flow.fix(labels, f"`{step.path}` makes each of them depend on the others")


def _mixes(layer: object) -> bool:
    activation = getattr(getattr(layer, "activation", None), "__name__", "")
    kinds = (_LAYERS.Softmax, _LAYERS.UnitNormalization)
    return activation in _MIXING or isinstance(layer, kinds) or type(layer).__name__ in ("Softmax", "LogSoftmax")


HANDLER = Passing()
