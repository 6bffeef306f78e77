"""A pre-activation bottleneck network for small images: three stages of five units, 500,394 parameters."""

import keras

from source.config.config import NetworkConfig
from source.config.settings import adopt, settings
from source.network import _convolution, _head, _inputs, _settings

_STAGE_FILTERS = (16, 32, 64)
_UNITS_PER_STAGE = 5
_EXPANSION = 4


@settings
class Config(NetworkConfig):
    """Settings of the pre-activation bottleneck network.

    Attributes:
        batch_norm_momentum: share of the running batch statistics that a training step keeps, from 0 to below
            1.
    """

    batch_norm_momentum: float = 0.997

    def __post_init__(self) -> None:
        NetworkConfig.__post_init__(self)
        _settings.require_shares(self, "batch_norm_momentum")


def build(config: NetworkConfig, inputs: keras.KerasTensor) -> keras.Model:
    """Returns a 3x3 convolution, 15 pre-activation bottleneck units and a linear layer.

    The units are those of He et al. 2016 (https://arxiv.org/abs/1603.05027).

    Units have 16, 32 and 64 inner and four times as many outer channels; the *last* unit of the second and of
    the third stage halves the resolution, as in TF-Slim's `resnet_v2`. 47 weighted layers lie on the longest
    path, whatever the name says. Not the network of the first paper: that is `resnet32`.

    Args:
        config: a `Config`, or a `NetworkConfig` for the defaults of all else.
        inputs: images, (b, h, w, c), standardised.

    Returns:
        A model whose output is (b, num_classes) float32 logits.

    Raises:
        ConfigError: if `inputs` are no images.
    """
    config = adopt(Config, config)
    _inputs.require_images(inputs, "resnet_v2_32")
    style = _convolution.ConvolutionStyle(padding="symmetric", momentum=config.batch_norm_momentum)
    x = _biased(inputs, _STAGE_FILTERS[0], 3, "stem_conv")
    for stage, filters in enumerate(_STAGE_FILTERS, 1):
        for unit in range(1, _UNITS_PER_STAGE + 1):
            stride = 2 if stage > 1 and unit == _UNITS_PER_STAGE else 1
            x = _unit(x, filters, stride, f"stage{stage}_unit{unit}", style)
    x = _convolution.normalize(x, "last_norm", style)
    x = _convolution.relu(x, "last_relu")
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    logits = _head.classify(x, config.num_classes, kernel_initializer="he_normal")
    return keras.Model(inputs, logits, name="resnet_v2_32")


def _unit(
    x: keras.KerasTensor, filters: int, stride: int, scope: str, style: _convolution.ConvolutionStyle
) -> keras.KerasTensor:
    """Returns shortcut(x) + F(ReLU(BN(x))), F being convolutions 1x1, 3x3 and 1x1."""
    outer = _EXPANSION * filters
    active = _convolution.relu(_convolution.normalize(x, f"{scope}_norm0", style), f"{scope}_relu0")
    if x.shape[-1] == outer:
        shortcut = _convolution.subsample(x, stride, f"{scope}_shortcut_subsample")
    else:
        shortcut = _biased(active, outer, 1, f"{scope}_shortcut_conv")
    residual = _convolution.convolve_normalize_relu(active, filters, 1, scope, style, index=1)
    residual = _convolution.convolve_normalize_relu(residual, filters, 3, scope, style, index=2, stride=stride)
    residual = _biased(residual, outer, 1, f"{scope}_conv3")
    return keras.layers.Add(name=f"{scope}_add")([shortcut, residual])


def _biased(x: keras.KerasTensor, filters: int, kernel_size: int, name: str) -> keras.KerasTensor:
    """Returns a convolution with bias: one that no batch normalisation of its own follows."""
    style = _convolution.ConvolutionStyle(use_bias=True)
    return _convolution.convolve(x, filters, kernel_size, name, style)
