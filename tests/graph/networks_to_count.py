"""Networks whose parameters and operations are published."""

import keras
from keras import layers


def lmnet_v1() -> keras.Model:
    """The small classifier of LMNet (blue-oil/blueoil): 32x32 pixels, ten classes, space to depth for pools."""
    inputs = keras.Input((32, 32, 3))
    x = _block(inputs, "conv1", 32)
    x = _space_to_depth(_block(x, "conv2", 64))
    x = _block(x, "conv3", 128)
    x = _space_to_depth(_block(x, "conv4", 64))
    x = _space_to_depth(_block(x, "conv5", 128))
    x = layers.Dropout(0.5)(_block(x, "conv6", 64, size=1))
    x = layers.Conv2D(10, 1, name="conv7")(x)
    x = layers.GlobalAveragePooling2D(name="pool7")(x)
    return keras.Model(inputs, layers.Softmax(name="softmax")(x), name="LmnetV1")


def _block(x, name, filters, size=3):
    x = layers.Conv2D(filters, size, padding="same", use_bias=False, name=name)(x)
    return layers.ReLU()(layers.BatchNormalization(name=f"{name}_norm")(x))


def _space_to_depth(x):
    _, height, width, channels = x.shape
    x = layers.Reshape((height // 2, 2, width // 2, 2, channels))(x)
    return layers.Reshape((height // 2, width // 2, 4 * channels))(layers.Permute((1, 3, 2, 4, 5))(x))
