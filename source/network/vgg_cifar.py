"""VGG with batch normalisation for small images: the stack of 3x3 convolutions, one linear layer after it."""

from typing import Literal

import keras

from source.config.config import NetworkConfig
from source.config.settings import adopt, settings
from source.network import _convolution, _head, _inputs, _settings

# Convolutions in each of the five stages: columns A, B, D and E of table 1, https://arxiv.org/abs/1409.1556
_STAGE_DEPTHS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
_STAGE_FILTERS = (64, 128, 256, 512, 512)


@settings
class Config(NetworkConfig):
    """Settings of VGG for small images.

    Attributes:
        depth: 11, 13, 16 or 19, the number by which the paper calls the network (it counts three dense
            layers, of which one is left here).
        dropout: share of features dropped in training before the linear layer, from 0 to below 1.
        batch_norm_momentum: share of the running batch statistics that a training step keeps, from 0 to below
            1.
    """

    depth: Literal[11, 13, 16, 19] = 16
    dropout: float = 0.0
    batch_norm_momentum: float = 0.9

    def __post_init__(self) -> None:
        NetworkConfig.__post_init__(self)
        _settings.require_shares(self, "dropout", "batch_norm_momentum")


def build(config: NetworkConfig, inputs: keras.KerasTensor) -> keras.Model:
    """Returns the convolutions of Simonyan & Zisserman 2014 with batch normalisation, and one linear layer.

    Five stages of 3x3 convolutions, each ended by max-pooling of 2; what is left (one pixel of a 32x32 image)
    is averaged and classified (https://arxiv.org/abs/1409.1556; the form for CIFAR is that of network
    slimming, https://arxiv.org/abs/1708.06519). Convolutions have no bias, because batch normalisation
    follows.

    Args:
        config: a `Config`, or a `NetworkConfig` for the defaults of all else.
        inputs: images, (b, h, w, c), h and w at least 32, standardised.

    Returns:
        A model whose output is (b, num_classes) float32 logits.

    Raises:
        ConfigError: if `inputs` are no images or too small.
    """
    config = adopt(Config, config)
    _inputs.require_images(inputs, "vgg_cifar", least_side=32)
    style = _convolution.ConvolutionStyle(momentum=config.batch_norm_momentum)
    x = inputs
    for stage, depth in enumerate(_STAGE_DEPTHS[config.depth], 1):
        for index in range(1, depth + 1):
            x = _convolution.convolve_normalize_relu(
                x, _STAGE_FILTERS[stage - 1], 3, f"stage{stage}", style, index=index
            )
        x = keras.layers.MaxPooling2D(2, name=f"stage{stage}_pool")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    logits = _head.classify(x, config.num_classes, dropout=config.dropout)
    return keras.Model(inputs, logits, name=f"vgg{config.depth}_cifar")
