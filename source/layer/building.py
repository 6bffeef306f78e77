"""Builds a layer inside another: from the shapes that one like it was built from, or those of a call."""

from typing import Any

import keras


def build_from_shapes(layer: keras.layers.Layer, config: dict[str, Any]) -> None:
    """Builds a layer, by a symbolic call where its class has no `build` and leaves that to the layers in it.

    Args:
        layer: not built; nothing happens otherwise.
        config: what `get_build_config` of the other returned.
    """
    if layer.built:
        return
    if builds_itself(layer):
        layer.build_from_config(config)
    elif "shapes_dict" in config:
        layer(**{key.removesuffix("_shape"): _symbol(layer, shape) for key, shape in config["shapes_dict"].items()})
    elif config.get("input_shape") is not None:
        layer(_symbol(layer, config["input_shape"]))


def build_from_call(layer: keras.layers.Layer, shapes: Any) -> None:
    """Builds a layer for a call of the layer around it.

    Args:
        layer: nothing happens if it is built.
        shapes: a shape, or those of all arguments by position, as Keras gives them for `*args`.
    """
    nested = bool(shapes) and isinstance(shapes[0], (list, tuple))
    several = tuple(shapes) if nested else (shapes,)
    if layer.built:
        return
    if builds_itself(layer):
        layer.build(*several)
    else:
        layer(*(_symbol(layer, shape) for shape in several))


def builds_itself(layer: keras.layers.Layer) -> bool:
    """Returns whether the class of a layer says how it is built, so that shapes are enough.

    Args:
        layer: any layer.
    """
    return type(layer).build is not keras.layers.Layer.build


def _symbol(layer: keras.layers.Layer, shape: Any) -> Any:
    """Returns symbolic tensors of the shape, or of the shapes in a structure."""
    if isinstance(shape, dict):
        return {key: _symbol(layer, each) for key, each in shape.items()}
    if shape and all(isinstance(each, (list, tuple)) for each in shape):
        return [_symbol(layer, each) for each in shape]
    return keras.KerasTensor(tuple(shape), dtype=layer.compute_dtype)
