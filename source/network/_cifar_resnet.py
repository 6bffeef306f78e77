"""The residual networks for 32x32 images: 6n + 2 weighted layers in three stages (He et al. 2015, 4.2)."""

import keras

from source.config.config import NetworkConfig
from source.config.settings import settings
from source.network import _basic_block, _convolution, _head, _inputs, _settings

_STAGE_FILTERS = (16, 32, 64)


@settings
class CifarResnetConfig(NetworkConfig):
    """What the residual networks for small images can be told.

    Attributes:
        shortcut: where the shape changes, "A" subsamples and adds channels of zeros (no weights; the paper's
            choice for CIFAR-10), "B" is a 1x1 convolution with batch normalisation.
        padding: of convolutions with stride 2: "symmetric" by 1 on every side (the paper's, and what weights
            published for PyTorch expect) or "same" (TensorFlow's, one layer fewer each).
        batch_norm_momentum: share of the running batch statistics that a training step keeps, from 0 to below
            1.
    """

    shortcut: _basic_block.Shortcut = "A"
    padding: _convolution.Padding = "symmetric"
    batch_norm_momentum: float = 0.9

    def __post_init__(self) -> None:
        NetworkConfig.__post_init__(self)
        _settings.require_shares(self, "batch_norm_momentum")


def build(config: CifarResnetConfig, inputs: keras.KerasTensor, blocks_per_stage: int, name: str) -> keras.Model:
    """Returns the residual network with 6 * blocks_per_stage + 2 weighted layers.

    A 3x3 convolution of 16 filters, three stages of blocks with 16, 32 and 64 filters of which the second and
    the third halve the resolution, the mean over all pixels, and a dense layer
    (https://arxiv.org/abs/1512.03385).

    Args:
        config: classes, shortcut and padding.
        inputs: images, (b, h, w, c), standardised per channel or per image.
        blocks_per_stage: n, at least 1.
        name: of the model.

    Returns:
        A model whose output is (b, num_classes) float32 logits.

    Raises:
        ConfigError: if `inputs` are no images.
    """
    _inputs.require_images(inputs, name)
    style = _convolution.ConvolutionStyle(padding=config.padding, momentum=config.batch_norm_momentum)
    x = _convolution.convolve_normalize_relu(inputs, _STAGE_FILTERS[0], 3, "stem", style)
    for stage, filters in enumerate(_STAGE_FILTERS, 1):
        for block in range(1, blocks_per_stage + 1):
            x = _basic_block.basic_block(
                x,
                filters,
                f"stage{stage}_block{block}",
                style,
                stride=2 if stage > 1 and block == 1 else 1,
                shortcut=config.shortcut,
            )
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    # He normal in the last layer too, as section 4.2 of the paper says for all weights.
    logits = _head.classify(x, config.num_classes, kernel_initializer="he_normal")
    return keras.Model(inputs, logits, name=name)
