"""Layers of a model by name, with numbers where nested models repeat a name."""

import keras

from source.surgery.rewrite import layers_of


def named_layers(model: keras.Model) -> dict[str, keras.layers.Layer]:
    """Returns the layers of a model by name; further ones of a name, in nested models, by name and number.

    Args:
        model: functional or sequential, built.
    """
    found: dict[str, keras.layers.Layer] = {}
    for layer in layers_of(model):
        name, count = layer.name, 1
        while name in found:
            count += 1
            name = f"{layer.name} {count}"
        found[name] = layer
    return found
