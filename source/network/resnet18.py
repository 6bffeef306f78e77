"""ResNet-18: four stages of two basic blocks, for ImageNet and, with a smaller stem, for small images."""

from typing import Literal

import keras

from source.config.config import NetworkConfig
from source.config.settings import adopt, settings
from source.network import _basic_block, _convolution, _head, _inputs, _settings

_STAGE_FILTERS = (64, 128, 256, 512)
_BLOCKS_PER_STAGE = 2


@settings
class Config(NetworkConfig):
    """Settings of ResNet-18.

    Attributes:
        stem: "imagenet" is a 7x7 convolution and max-pooling, each of stride 2; "cifar" is a 3x3 convolution
            of stride 1, for images of about 32 pixels.
        padding: of layers with stride 2: "symmetric" on every side (what weights published for PyTorch
            expect) or "same" (TensorFlow's).
        batch_norm_momentum: share of the running batch statistics that a training step keeps, from 0 to below
            1.
    """

    stem: Literal["imagenet", "cifar"] = "imagenet"
    padding: _convolution.Padding = "symmetric"
    batch_norm_momentum: float = 0.9

    def __post_init__(self) -> None:
        NetworkConfig.__post_init__(self)
        _settings.require_shares(self, "batch_norm_momentum")


def build(config: NetworkConfig, inputs: keras.KerasTensor) -> keras.Model:
    """Returns the 18-layer network of He et al. 2015, table 1, with projection shortcuts (option B).

    11,689,512 parameters at 1000 classes, and 1,814,073,344 multiplications at 224x224x3
    (https://arxiv.org/abs/1512.03385).

    Args:
        config: a `Config`, or a `NetworkConfig` for the defaults of all else.
        inputs: images, (b, h, w, c), of any size, standardised per channel.

    Returns:
        A model whose output is (b, num_classes) float32 logits.

    Raises:
        ConfigError: if `inputs` are no images.
    """
    config = adopt(Config, config)
    _inputs.require_images(inputs, "resnet18")
    style = _convolution.ConvolutionStyle(padding=config.padding, momentum=config.batch_norm_momentum)
    x = _stem(inputs, config, style)
    for stage, filters in enumerate(_STAGE_FILTERS, 1):
        for block in range(1, _BLOCKS_PER_STAGE + 1):
            stride = 2 if stage > 1 and block == 1 else 1
            x = _basic_block.basic_block(x, filters, f"stage{stage}_block{block}", style, stride=stride)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    logits = _head.classify(x, config.num_classes, kernel_initializer="he_normal")
    return keras.Model(inputs, logits, name="resnet18")


def _stem(inputs: keras.KerasTensor, config: Config, style: _convolution.ConvolutionStyle) -> keras.KerasTensor:
    if config.stem == "cifar":
        return _convolution.convolve_normalize_relu(inputs, _STAGE_FILTERS[0], 3, "stem", style)
    x = _convolution.convolve_normalize_relu(inputs, _STAGE_FILTERS[0], 7, "stem", style, stride=2)
    if style.padding == "same":
        return keras.layers.MaxPooling2D(3, strides=2, padding="same", name="stem_pool")(x)
    # Zeros are as good as minus infinity here: after the ReLU nothing is smaller.
    x = keras.layers.ZeroPadding2D(1, name="stem_pool_pad")(x)
    return keras.layers.MaxPooling2D(3, strides=2, name="stem_pool")(x)
