"""Names of a layer's weights below the layer, and the axes of a weight along which channels and blocks lie."""

from collections.abc import Iterable
from typing import Any

import keras

_KEPT = "kept_weight_paths"


def of(layer: keras.layers.Layer) -> dict[str, keras.Variable]:
    """Returns the weights of a built layer by their paths below it, such as `kernel` or `query/kernel`.

    Of weights with the same path, the later ones have `_2`, `_3`, ... at the end.

    Args:
        layer: a built layer.
    """
    kept = getattr(layer, _KEPT, None)
    if kept:
        return dict(zip(kept, layer.weights, strict=True))
    found: dict[str, keras.Variable] = {}
    for variable in layer.weights:
        path = once = _below(layer.name, variable.path.split("/"))
        count = 1
        while path in found:
            count += 1
            path = f"{once}_{count}"
        found[path] = variable
    return found


def keep(layer: keras.layers.Layer, paths: Iterable[str]) -> None:
    """Makes `of` name the weights of a layer so, from now on.

    Keras numbers the layers that a layer makes without a name, so a copy has other paths than what it is a copy of.

    Args:
        layer: a copy, or what was loaded.
        paths: of all weights, in order.
    """
    setattr(layer, _KEPT, tuple(paths))


def unbuilt(config: Any) -> Any:
    """Returns a layer's configuration without the shapes of the layers in it, which it then builds itself.

    A layer that is built before it is inside another has no part of the other's name in the paths of its weights.

    Args:
        config: what `get_config` returned.
    """
    if isinstance(config, dict):
        return {key: unbuilt(value) for key, value in config.items() if key != "build_config"}
    return [unbuilt(each) for each in config] if isinstance(config, list) else config


def is_kernel(path: str, variable: keras.Variable) -> bool:
    """Returns whether a weight is one that compression is about: a floating point matrix, kernel or table.

    Args:
        path: of the weight below its layer.
        variable: the weight.
    """
    name = path.rpartition("/")[2]
    named = "kernel" in name or "embedding" in name
    return named and len(variable.shape) >= 2 and keras.backend.is_float_dtype(variable.dtype)


def is_convolution(layer: keras.layers.Layer) -> bool:
    """Returns whether a layer convolves: plain, transposed, depthwise or separable, with 1 to 3 spatial axes.

    Args:
        layer: any layer.
    """
    kinds = [f"{kind}{axes}D" for kind in ("Conv", "DepthwiseConv", "SeparableConv") for axes in (1, 2, 3)]
    kinds += [f"Conv{axes}DTranspose" for axes in (1, 2, 3)]
    return isinstance(layer, tuple(getattr(keras.layers, kind) for kind in kinds if hasattr(keras.layers, kind)))


def channel_axis(layer: keras.layers.Layer, path: str) -> int:
    """Returns the axis of a weight whose indices are output channels: -1, but where kernels are laid out otherwise.

    Args:
        layer: the layer that has the weight.
        path: of the weight below the layer.
    """
    if isinstance(layer, keras.layers.EinsumDense) and path == "kernel":
        return _einsum_axes(layer.equation)[0]
    return -2 if _is_transposed(layer) or is_depthwise(layer, path) else -1


def block_axis(layer: keras.layers.Layer, path: str) -> int:
    """Returns the axis of a weight that products are summed over, along which blocks and N:M groups lie.

    Args:
        layer: the layer that has the weight.
        path: of the weight below the layer.
    """
    if isinstance(layer, keras.layers.EinsumDense) and path == "kernel":
        return _einsum_axes(layer.equation)[1]
    if path in ("query/kernel", "key/kernel", "value/kernel"):
        return 0
    return -1 if _is_transposed(layer) or isinstance(layer, keras.layers.Embedding) else -2


def _below(name: str, path: list[str]) -> str:
    """Returns what follows a layer's name in a path; all of it if the weight was made before the layer around it."""
    places = [place for place, part in enumerate(path[:-1]) if part == name]
    return "/".join(path[places[-1] + 1 :] if places else path)


def _is_transposed(layer: keras.layers.Layer) -> bool:
    kinds = ("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose")
    return isinstance(layer, tuple(getattr(keras.layers, kind) for kind in kinds))


def is_depthwise(layer: keras.layers.Layer, path: str) -> bool:
    """Returns whether a weight has a kernel for each input channel, as depthwise convolutions do.

    Args:
        layer: the layer that has the weight.
        path: of the weight below the layer.
    """
    kinds = (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)
    return isinstance(layer, kinds) or path.endswith("depthwise_kernel")


def _einsum_axes(equation: str) -> tuple[int, int]:
    """Returns the last axis of the kernel that the output keeps, and the last that is summed over."""
    operands, output = equation.replace(" ", "").split("->")
    kernel = operands.split(",")[1]
    kept = [axis for axis, letter in enumerate(kernel) if letter in output]
    summed = [axis for axis, letter in enumerate(kernel) if letter not in output]
    return (kept or [len(kernel) - 1])[-1], (summed or [0])[-1]
