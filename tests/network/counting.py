"""Parameters and multiplications of a model, counted from shapes alone."""

import math

import keras


def trainable(model: keras.Model) -> int:
    """Returns the number of trainable parameters."""
    return sum(math.prod(weight.shape) for weight in model.trainable_weights)


def total(model: keras.Model) -> int:
    """Returns the number of all parameters, statistics of batch normalisation included."""
    return sum(math.prod(weight.shape) for weight in model.weights)


def multiplications(model: keras.Model) -> int:
    """Returns the multiply-accumulates of convolutions and dense layers for one image.

    A convolution does rows * columns * channels in / groups * channels out for every output pixel, a dense
    layer features in * features out.
    """
    return sum(_multiplications(layer) for layer in model.layers)


def _multiplications(layer: keras.Layer) -> int:
    if isinstance(layer, keras.layers.DepthwiseConv2D | keras.layers.Conv2D):
        _, height, width, _ = layer.output.shape
        return height * width * math.prod(layer.kernel.shape)
    if isinstance(layer, keras.layers.Dense):
        return math.prod(layer.kernel.shape)
    return 0


def images(height: int, width: int, channels: int) -> keras.KerasTensor:
    """Returns a symbolic batch of images."""
    return keras.Input((height, width, channels), name="image")
