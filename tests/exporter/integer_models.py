"""Finished models of a few layers, whose scales are powers of two: floats then compute them without rounding."""

import keras
import numpy as np

SCALE = 2.0**-4


def rounded(x, low=-128, high=127, scale=SCALE):
    """Returns x rounded to scale * n with n from low to high."""
    return keras.quantizers.fake_quant_with_min_max_vars(x, low * scale, high * scale)


def with_codes(model, seed=0, largest=127):
    """Gives every layer random weights code * 2^-7 and biases that are whole steps of its accumulator."""
    random = np.random.default_rng(seed)
    for layer in model.layers:
        weights = layer.get_weights()
        if weights:
            codes = random.integers(-largest, largest + 1, weights[0].shape)
            biases = [random.integers(-500, 501, each.shape) * SCALE * 2.0**-7 for each in weights[1:]]
            layer.set_weights([codes * 2.0**-7, *biases])
    return model


def residual_model(seed=0):
    """Returns a small network with every operation whose result floats hold exactly, (8, 9, 4) to 5 numbers."""
    layers = keras.layers
    inputs = keras.Input((8, 9, 4), name="image")
    x = rounded(inputs)
    first = rounded(layers.Conv2D(8, 3, padding="same", activation="relu", name="conv")(x), 0, 255)
    strided = layers.Conv2D(8, 3, strides=2, padding="same", groups=2, name="strided")(first)
    strided = rounded(strided)
    depthwise = layers.DepthwiseConv2D((3, 2), padding="valid", depth_multiplier=2, name="depthwise")(strided)
    depthwise = layers.Dropout(0.5)(layers.ReLU(6.0)(depthwise))
    depthwise = rounded(depthwise, 0, 255)
    dilated = rounded(layers.Conv2D(16, 2, dilation_rate=2, padding="same", name="dilated")(depthwise))
    total = rounded(layers.ReLU()(layers.Add(name="sum")([depthwise, dilated])), 0, 255)
    pooled = layers.MaxPooling2D(2, padding="same", name="largest")(total)
    padded = layers.ZeroPadding2D(((1, 0), (0, 1)))(pooled)
    mean = rounded(layers.AveragePooling2D((2, 1), strides=1, name="mean")(padded), 0, 255)
    joined = layers.Concatenate()([mean, mean])
    flat = layers.Reshape((-1,))(layers.Flatten()(joined))
    outputs = rounded(layers.Dense(5, name="logits")(flat), scale=2.0)
    return with_codes(keras.Model(inputs, outputs), seed)


def images(count=6, shape=(8, 9, 4), seed=1):
    """Returns normal numbers, some beyond what the first rounding keeps."""
    return (np.random.default_rng(seed).normal(size=(count, *shape)) * 4).astype(np.float32)
