"""ResNet-110 for small images: three stages of eighteen basic blocks (He et al. 2015, https://arxiv.org/abs/1512.03385)."""

import keras

from source.config.config import NetworkConfig
from source.config.settings import adopt, settings
from source.network import _cifar_resnet


@settings
class Config(_cifar_resnet.CifarResnetConfig):
    """Settings of ResNet-110: num_classes, shortcut ("A" or "B"), padding and batch_norm_momentum."""


def build(config: NetworkConfig, inputs: keras.KerasTensor) -> keras.Model:
    """Returns the 110-layer residual network of section 4.2 of the paper.

    Args:
        config: a `Config`, or a `NetworkConfig` for the defaults of all else.
        inputs: images, (b, h, w, c), standardised.

    Returns:
        A model whose output is (b, num_classes) float32 logits.

    Raises:
        ConfigError: if `inputs` are no images.
    """
    return _cifar_resnet.build(adopt(Config, config), inputs, blocks_per_stage=18, name="resnet110")
