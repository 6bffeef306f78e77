"""Models whose groups of channels can be told by hand."""

import keras
from keras import layers


def plain() -> keras.Model:
    """Returns `first` 1x1x3x4, `norm`, `second` 1x1x4x4, `norm2`, and `last` 4x2, without biases."""
    inputs = keras.Input((4, 4, 3))
    x = layers.ReLU()(layers.BatchNormalization(name="norm")(layers.Conv2D(4, 1, use_bias=False, name="first")(inputs)))
    x = layers.ReLU()(layers.BatchNormalization(name="norm2")(layers.Conv2D(4, 1, use_bias=False, name="second")(x)))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(2, use_bias=False, name="last")(x))


def residual() -> keras.Model:
    """Returns a sum of `stem` and `branch`, normalized by `norm0` and `norm1`; `inner` is between them."""
    inputs = keras.Input((4, 4, 3))
    x = layers.BatchNormalization(name="norm0")(layers.Conv2D(4, 1, name="stem")(inputs))
    y = layers.ReLU()(layers.Conv2D(6, 3, padding="same", name="inner")(x))
    y = layers.BatchNormalization(name="norm1")(layers.Conv2D(4, 1, name="branch")(y))
    x = layers.GlobalAveragePooling2D()(layers.Add(name="sum")([x, y]))
    return keras.Model(inputs, layers.Dense(2, name="last")(x))


def concatenated() -> keras.Model:
    """Returns `wide` 8 and `narrow` 6, side by side before `mix`."""
    inputs = keras.Input((4, 4, 3))
    parts = [layers.Conv2D(8, 1, name="wide")(inputs), layers.Conv2D(6, 1, name="narrow")(inputs)]
    x = layers.Conv2D(4, 1, name="mix")(layers.Concatenate()(parts))
    return keras.Model(inputs, layers.Dense(2, name="last")(layers.GlobalAveragePooling2D()(x)))


def shared() -> keras.Model:
    """Returns a convolution that is called twice, in a model that is called twice."""
    inner = keras.Input((4, 4, 4))
    convolution, norm = layers.Conv2D(4, 1, name="conv"), layers.BatchNormalization(name="norm")
    block = keras.Model(inner, layers.ReLU()(norm(convolution(norm(convolution(inner))))), name="block")
    inputs = keras.Input((4, 4, 3))
    x = block(block(layers.Conv2D(4, 1, name="stem")(inputs)))
    return keras.Model(inputs, layers.Dense(2, name="last")(layers.Flatten()(x)))


def widths(model: keras.Model, *names: str) -> list[int]:
    """Returns how many channels layers have."""
    return [model.get_layer(name).kernel.shape[-1] for name in names]
