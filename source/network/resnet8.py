"""ResNet-8 for small images: three residual blocks, the image classification network of MLPerf Tiny."""

import keras

from source.config.config import NetworkConfig
from source.config.settings import adopt, settings
from source.network import _convolution, _head, _inputs, _settings

_STAGE_FILTERS = (16, 32, 64)


@settings
class Config(NetworkConfig):
    """Settings of ResNet-8.

    Attributes:
        batch_norm_momentum: share of the running batch statistics that a training step keeps, from 0 to below
            1; the benchmark's is 0.99.
    """

    batch_norm_momentum: float = 0.99

    def __post_init__(self) -> None:
        NetworkConfig.__post_init__(self)
        _settings.require_shares(self, "batch_norm_momentum")


def build(config: NetworkConfig, inputs: keras.KerasTensor) -> keras.Model:
    """Returns the ResNet of the MLPerf Tiny benchmark (Banbury et al. 2021, https://arxiv.org/abs/2106.07597).

    A 3x3 convolution of 16 filters, one block each of 16, 32 and 64 filters of which the second and the third
    halve the resolution, the mean over all pixels, and a dense layer. It differs from the residual networks of
    He et al. in three things, as its reference code has them (https://github.com/mlcommons/tiny): convolutions
    have a bias, the 1x1 convolution of a shortcut has no batch normalisation, and epsilon is 0.001.

    Args:
        config: a `Config`, or a `NetworkConfig` for the defaults of all else.
        inputs: images, (b, h, w, c); the benchmark's weights take pixels from 0 to 255 as they are. 78,186
            trainable parameters belong to 3 channels and 10 classes.

    Returns:
        A model whose output is (b, num_classes) float32 logits; the benchmark's ends in their softmax.

    Raises:
        ConfigError: if `inputs` are no images.
    """
    config = adopt(Config, config)
    _inputs.require_images(inputs, "resnet8")
    style = _convolution.ConvolutionStyle(momentum=config.batch_norm_momentum, epsilon=1e-3, use_bias=True)
    x = _convolution.convolve_normalize_relu(inputs, _STAGE_FILTERS[0], 3, "stem", style)
    for stage, filters in enumerate(_STAGE_FILTERS, 1):
        x = _block(x, filters, 1 if stage == 1 else 2, f"stage{stage}", style)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    logits = _head.classify(x, config.num_classes, kernel_initializer="he_normal")
    return keras.Model(inputs, logits, name="resnet8")


def _block(
    x: keras.KerasTensor, filters: int, stride: int, scope: str, style: _convolution.ConvolutionStyle
) -> keras.KerasTensor:
    """Returns ReLU(F(x) + shortcut(x)), where the shortcut is x, or a strided 1x1 convolution of it alone."""
    residual = _convolution.convolve_normalize_relu(x, filters, 3, scope, style, index=1, stride=stride)
    residual = _convolution.convolve(residual, filters, 3, f"{scope}_conv2", style)
    residual = _convolution.normalize(residual, f"{scope}_norm2", style)
    if stride != 1:
        x = _convolution.convolve(x, filters, 1, f"{scope}_shortcut_conv", style, stride=stride)
    x = keras.layers.Add(name=f"{scope}_add")([residual, x])
    return _convolution.relu(x, f"{scope}_relu2")
