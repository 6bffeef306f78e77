"""Named sets of rules: number formats for each kind of layer, and the operators that are approximated."""

from collections.abc import Mapping
from typing import Any, Literal

import keras

from source.config.errors import UnknownNameError
from source.config.nearest import did_you_mean
from source.layer import weight_paths

RuleSet = Literal["baseline", "fp8", "fp8_training", "basic", "basic_sbfp"]
Role = Literal["linear", "product", "table", "computing", "passing"]

_SAME = {"inputs": "SAME", "outputs": "SAME"}
_HALF = {"inputs": "FLOAT16", "outputs": "FLOAT16"}
_LINEAR_SAME = {**_SAME, "weights": "SAME", "biases": "SAME", "before_activation": "SAME", "gradients": "SAME"}
_LINEAR_FP8 = {"inputs": "AFLOAT8", "weights": "AFLOAT8", "before_activation": "FLOAT16", "outputs": "FLOAT16"}
_LINEAR_BASIC = {
    "inputs": "BFP16_64",
    "weights": "BFP16_64",
    "biases": "BFP32_1",
    "before_activation": "FLOAT16",
    "outputs": "FLOAT16",
}

# Role -> settings of `layer_formats`. Biases of fp8 are float32, which they are anyway.
_BASELINE: dict[Role, dict[str, str]] = {
    "linear": _LINEAR_SAME,
    "product": _SAME,
    "table": {"weights": "SAME", "outputs": "SAME"},
    "computing": _SAME,
    "passing": {},
}
_FP8: dict[Role, dict[str, str]] = {
    "linear": _LINEAR_FP8,
    "product": {"inputs": "AFLOAT8", "outputs": "FLOAT16"},
    "table": {"outputs": "FLOAT16"},
    "computing": _HALF,
    "passing": {},
}
_BASIC: dict[Role, dict[str, str]] = {
    "linear": _LINEAR_BASIC,
    "product": {"inputs": "BFP16_64", "outputs": "FLOAT16"},
    "table": {"outputs": "FLOAT16"},
    "computing": _HALF,
    "passing": {},
}
_FORMATS: dict[str, dict[Role, dict[str, str]]] = {
    "baseline": _BASELINE,
    "fp8": _FP8,
    "fp8_training": {**_FP8, "linear": {**_LINEAR_FP8, "gradients": "BFLOAT8"}},
    "basic": _BASIC,
    "basic_sbfp": {**_BASIC, "linear": {**_LINEAR_BASIC, "storage": "SBFP12_16"}},
}
# Settings of `approximated_operators`; the other sets leave every operator exact.
_OPERATORS = {
    "softmax": "softmax<base2,float16>",
    "gelu": "gelu<poly2,float16>",
    "layer_normalization": "layernorm<legacy,float16>",
    "rms_normalization": "rmsnorm<legacy,float16>",
    "silu": "silu<poly2,float16>",
    "exponential": "exp<base2,float16>",
}


def _several(names: str, *axes: int) -> set[str]:
    return {f"{name}{axis}D" for name in names.split() for axis in axes}


# Class of a layer, or of an operation of `keras.ops`, to its role; classes that extend one of these have its role.
_NAMES: dict[Role, set[str]] = {
    # Weights times inputs; recurrent layers and attention with all that is inside.
    "linear": {
        *("Dense", "EinsumDense", "LSTM", "GRU", "SimpleRNN", "RNN", "LSTMCell", "GRUCell", "SimpleRNNCell"),
        *("StackedRNNCells", "Bidirectional", "TimeDistributed", "SpectralNormalization"),
        *("MultiHeadAttention", "GroupedQueryAttention"),
        *_several("Conv ConvLSTM DepthwiseConv SeparableConv", 1, 2, 3),
        *(f"Conv{axes}DTranspose" for axes in (1, 2, 3)),
    },
    # Activations times activations.
    "product": {"Dot", "Attention", "AdditiveAttention", "Matmul"},
    "table": {"Embedding"},
    # New numbers, one by one or few from few.
    "computing": {
        *("Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax", "Add", "Subtract", "Multiply", "Average"),
        *("Maximum", "Minimum", "BatchNormalization", "LayerNormalization", "GroupNormalization", "RMSNormalization"),
        *("UnitNormalization", "Lambda", "FlaxLayer", "JaxLayer", "TorchModuleWrapper", "TFSMLayer"),
        *_several("AveragePooling GlobalAveragePooling AdaptiveAveragePooling MaxPooling GlobalMaxPooling", 1, 2, 3),
        *_several("AdaptiveMaxPooling UpSampling", 1, 2, 3),
    },
    # What gives back numbers that it was given, and what prepares pictures and words before the network begins.
    "passing": {
        *("InputLayer", "Identity", "Flatten", "Reshape", "Permute", "RepeatVector", "Masking", "Concatenate"),
        *("Dropout", "AlphaDropout", "GaussianDropout", "GaussianNoise", "ActivityRegularization"),
        *_several("SpatialDropout ZeroPadding Cropping", 1, 2, 3),
        *("Normalization", "Rescaling", "Resizing", "CenterCrop", "Discretization", "Hashing", "HashedCrossing"),
        *("CategoryEncoding", "IntegerLookup", "StringLookup", "TextVectorization", "MelSpectrogram"),
        *("STFTSpectrogram", "AugMix", "AutoContrast", "ContrastLimitedAdaptiveHistogramEqualization", "CutMix"),
        *("Equalization", "MaxNumBoundingBoxes", "MixUp", "Pipeline", "RandAugment", "Solarization"),
        *("RandomBrightness", "RandomColorDegeneration", "RandomColorJitter", "RandomContrast", "RandomCrop"),
        *("RandomElasticTransform", "RandomErasing", "RandomFlip", "RandomGaussianBlur", "RandomGrayscale"),
        *("RandomHue", "RandomInvert", "RandomPerspective", "RandomPosterization", "RandomRotation"),
        *("RandomSaturation", "RandomSharpness", "RandomShear", "RandomTranslation", "RandomZoom"),
        *("Transpose", "Squeeze", "ExpandDims", "GetItem", "Ravel", "MoveAxis", "SwapAxes", "Split", "Unstack"),
        *("Take", "Flip", "Pad", "Copy", "StopGradient", "BroadcastTo", "Repeat", "Tile", "Stack"),
    },
}
_ROLES: dict[str, Role] = {name: role for role, names in _NAMES.items() for name in names}


def names() -> list[str]:
    """Returns the names of all rule sets."""
    return list(_FORMATS)


def role(operation: Any) -> Role:
    """Returns what a rule set takes a layer or an operation for.

    A class that is not known, nor extends one that is, is "linear" if it has a kernel and "computing" if it has none.

    Args:
        operation: a layer, not a wrapper, or another operation.
    """
    for kind in type(operation).__mro__:
        if kind.__name__ in _ROLES:
            return _ROLES[kind.__name__]
    weights = weight_paths.of(operation) if isinstance(operation, keras.layers.Layer) else {}
    has_kernel = any(weight_paths.is_kernel(path, weight) for path, weight in weights.items())
    return "linear" if has_kernel else "computing"


def formats(rule_set: str, operation: Any) -> dict[str, Any]:
    """Returns the settings of `layer_formats` for a layer or an operation.

    Args:
        rule_set: one of `names()`.
        operation: a layer, not a wrapper, or another operation.

    Raises:
        UnknownNameError: if there is no such rule set.
    """
    found = _known(rule_set)[role(operation)]
    return {**found, "operators": tuple(operators(rule_set).values())}


def operators(rule_set: str) -> dict[str, str]:
    """Returns the settings of `approximated_operators`.

    Args:
        rule_set: one of `names()`.

    Raises:
        UnknownNameError: if there is no such rule set.
    """
    _known(rule_set)
    return dict(_OPERATORS) if rule_set.startswith("basic") else {}


def _known(rule_set: str) -> Mapping[Role, dict[str, str]]:
    if rule_set not in _FORMATS:
        raise UnknownNameError(f"There is no rule set `{rule_set}`. {did_you_mean(rule_set, _FORMATS)}")
    return _FORMATS[rule_set]
