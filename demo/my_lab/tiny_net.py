"""A network of your own: depthwise separable convolutions, of few weights."""

import keras

from espalier import NetworkConfig, settings


@settings
class Config(NetworkConfig):
    """Settings of the tiny network.

    Attributes:
        width: channels of the first block, at least 1; each of the two others has twice those before.
    """

    width: int = 16

    def __post_init__(self):
        NetworkConfig.__post_init__(self)
        if self.width < 1:
            raise ValueError(f"`width` must be at least 1. Received: width={self.width}.")


def build(config, inputs):
    """Returns three blocks of convolution, normalisation and ReLU, the mean over the picture, and logits."""
    x = inputs
    for index in range(3):
        filters = config.width * 2**index
        x = keras.layers.SeparableConv2D(
            filters, 3, strides=1 + (index > 0), padding="same", use_bias=False, name=f"block{index + 1}_conv"
        )(x)
        x = keras.layers.BatchNormalization(momentum=0.9, name=f"block{index + 1}_norm")(x)
        x = keras.layers.ReLU(name=f"block{index + 1}_relu")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(inputs, keras.layers.Dense(config.num_classes, name="logits")(x), name="tiny_net")
