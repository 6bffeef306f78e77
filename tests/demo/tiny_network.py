"""A network of a user's own: a convolution and a linear layer, with one setting."""

import keras

from source.config.config import NetworkConfig
from source.config.settings import adopt, settings


@settings
class Config(NetworkConfig):
    """Settings of the tiny network.

    Attributes:
        filters: channels of the convolution.
    """

    filters: int = 4


def build(config, inputs):
    config = adopt(Config, config)
    x = keras.layers.Conv2D(config.filters, 3, strides=2, activation="relu", name="conv")(inputs)
    x = keras.layers.Flatten(name="flatten")(x)
    return keras.Model(inputs, keras.layers.Dense(config.num_classes, name="logits")(x))
