"""The types of layers in YAML, their settings checked, and messages about names that are none."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from source.config.errors import ConfigError
from source.config.nearest import did_you_mean
from source.config.settings import from_mapping
from source.network import _yaml_graph_settings as settings

JOINS = {"concat", "add", "mul"}
MODULE, SPLIT = "module", "split"
TYPES: dict[str, type] = {
    "convolution": settings.Convolution,
    "depthwise_convolution": settings.DepthwiseConvolution,
    "gated_convolution": settings.GatedConvolution,
    "hadamard_convolution": settings.HadamardConvolution,
    "fully_connected": settings.FullyConnected,
    "max_pool": settings.Pool,
    "average_pool": settings.Pool,
    "batch_normalization": settings.BatchNormalization,
    "local_response_normalization": settings.LocalResponseNormalization,
    "activation": settings.Activation,
    "dropout": settings.Dropout,
    "flatten": settings.Plain,
    "softmax": settings.OneAxis,
    "identity": settings.Identity,
    "squeeze": settings.Squeeze,
    "reduce_mean": settings.ReduceMean,
    "concat": settings.OneAxis,
    "add": settings.Plain,
    "mul": settings.Plain,
    "split": settings.Plain,
    "space_to_depth": settings.SpaceToDepth,
    "pad": settings.Pad,
    "crop": settings.Crop,
    "hadamard": settings.Hadamard,
    "zipf": settings.Plain,
}
_NESTED = {"batch_normalization": settings.Normalization, "gate": settings.Gate}

# What layers and settings are called elsewhere.
_TYPES_ELSEWHERE = {
    "convolution": ("conv", "conv2d"),
    "depthwise_convolution": ("depthwiseconv2d", "depthwise"),
    "fully_connected": ("dense", "fc", "linear"),
    "max_pool": ("maxpool", "maxpooling2d", "maxpool2d"),
    "average_pool": ("averagepooling2d", "avgpool", "globalaveragepooling2d"),
    "batch_normalization": ("batchnorm", "bn", "batchnormalization"),
    "local_response_normalization": ("lrn",),
    "activation": ("relu", "relu6", "sigmoid", "tanh"),
    "concat": ("concatenate",),
    "mul": ("multiply",),
    "pad": ("zeropadding2d",),
    "crop": ("cropping2d",),
}
_SETTINGS_ELSEWHERE = {
    "num_outputs": ("filters", "units"),
    "depth": ("filters",),
    "kernel_size": ("pool_size",),
    "stride": ("strides",),
    "weights_initializer": ("kernel_initializer", "depthwise_initializer"),
    "weights_regularizer": ("kernel_regularizer", "depthwise_regularizer"),
    "biases_initializer": ("bias_initializer",),
    "biases_regularizer": ("bias_regularizer",),
    "kernel_initializer": ("depthwise_initializer",),
    "kernel_regularizer": ("depthwise_regularizer",),
    "normalizer_fn": ("batch_normalization",),
    "normalizer_params": ("batch_normalization",),
    "activation_fn": ("activation",),
    "activation_params": ("activation",),
    "mode": ("activation",),
    "num_groups": ("groups",),
    "force_biases": ("use_bias",),
    "decay": ("momentum",),
    "gate_params": ("gate",),
}
_MORE = {
    "keep_prob": "Give what is dropped as `rate`, which is 1 - keep_prob.",
    "overrider": "Layers do not say how they are compressed: `compressor` does, by rules that name layers.",
}


def parse(kind: str, given: Mapping[str, Any], path: str) -> Any:
    """Returns the checked settings of a layer.

    Args:
        kind: its type.
        given: settings by name, without `type`.
        path: where they stand, to begin the messages with.

    Raises:
        ConfigError: naming the path, what was expected and what came.
    """
    check_names(kind, given, path)
    values = dict(given)
    for name, cls in _NESTED.items():
        if name in _fields(TYPES[kind]) and given.get(name) is not None:
            nested = _mapping(given[name], f"{path}.{name}")
            _refuse_unknown(nested, cls, f"{path}.{name}")
            values[name] = from_mapping(cls, nested, f"{path}.{name}")
    return from_mapping(TYPES[kind], values, path)


def check_names(kind: Any, given: Mapping[str, Any], path: str) -> None:
    """Refuses a type and names of settings that there are none of; values are not looked at.

    Args:
        kind: type of a layer.
        given: its settings by name, without `type`.
        path: where they stand, to begin the messages with.

    Raises:
        ConfigError: offering what the type or the setting is called here.
    """
    if not isinstance(kind, str) or kind not in TYPES:
        raise ConfigError(f"{path}.type: {_unknown_type(kind)}")
    _refuse_unknown(given, TYPES[kind], path)


def _refuse_unknown(given: Mapping[str, Any], cls: type, path: str) -> None:
    known = _fields(cls)
    for name in given:
        if name not in known:
            elsewhere = [each for each in _SETTINGS_ELSEWHERE.get(str(name), ()) if each in known]
            guess = f"It is called `{elsewhere[0]}` here." if elsewhere else did_you_mean(str(name), known)
            raise ConfigError(f"{path}.{name}: unknown setting. {_MORE.get(str(name), guess)}")


def _fields(cls: Any) -> list[str]:
    return [field.name for field in dataclasses.fields(cls)]


def _unknown_type(kind: Any) -> str:
    if kind is None:
        return f"expected the type of the layer. {did_you_mean('', [*TYPES, MODULE])}"
    plain = str(kind).lower().replace("_", "")
    for ours, others in _TYPES_ELSEWHERE.items():
        if plain in others:
            return f"unknown type `{kind}`. It is called `{ours}` here."
    return f"unknown type `{kind}`. {did_you_mean(str(kind), [*TYPES, MODULE])}"


def _mapping(value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{path}: expected a mapping of settings; {{}} for the defaults. Received: {value!r}.")
    return {key: each for key, each in value.items() if not str(key).startswith("_")}
