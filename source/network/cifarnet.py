"""CifarNet: eight 3x3 convolutions and a linear head, the small network of channel-gating papers."""

import keras

from source.config.config import NetworkConfig
from source.config.settings import adopt, settings
from source.network import _convolution, _head, _inputs, _settings

# (filters, stride, dropout after it); the first convolution is not padded.
_LAYERS = (
    (64, 1, False),
    (64, 1, False),
    (128, 2, False),
    (128, 1, True),
    (128, 1, False),
    (192, 2, False),
    (192, 1, True),
    (192, 1, False),
)


@settings
class Config(NetworkConfig):
    """Settings of CifarNet.

    Attributes:
        dropout: share of features dropped in training after the fourth and the seventh convolution, from 0 to
            below 1.
        batch_norm_momentum: share of the running batch statistics that a training step keeps, from 0 to below
            1. 0.9997 was published for runs of hundreds of epochs; it forgets the initial statistics to 1 %
            after 15,000 steps only, where 0.99 takes 460.
    """

    dropout: float = 0.5
    batch_norm_momentum: float = 0.99

    def __post_init__(self) -> None:
        NetworkConfig.__post_init__(self)
        _settings.require_shares(self, "dropout", "batch_norm_momentum")


def build(config: NetworkConfig, inputs: keras.KerasTensor) -> keras.Model:
    """Returns the network of Mayo (https://github.com/deep-fry/mayo) and of feature boosting and suppression.

    Eight convolutions 3x3 of 64 to 192 filters, two of stride 2, each with batch normalisation and ReLU; the
    mean over all pixels; a linear layer (https://arxiv.org/abs/1810.05331). A 1x1 convolution of the mean, as
    the head is also described, is that linear layer.

    Args:
        config: a `Config`, or a `NetworkConfig` for the defaults of all else.
        inputs: images, (b, h, w, c), h and w at least 3, standardised per image. 1,296,074 trainable
            parameters and 174,301,824 multiplications belong to 32x32x3 and 10 classes.

    Returns:
        A model whose output is (b, num_classes) float32 logits.

    Raises:
        ConfigError: if `inputs` are no images or too small.
    """
    config = adopt(Config, config)
    _inputs.require_images(inputs, "cifarnet", least_side=3)
    style = _convolution.ConvolutionStyle(momentum=config.batch_norm_momentum, epsilon=1e-3)
    x = inputs
    for index, (filters, stride, dropped) in enumerate(_LAYERS, 1):
        x = _convolution.convolve_normalize_relu(x, filters, 3, f"layer{index}", style, stride=stride, valid=index == 1)
        if dropped and config.dropout:
            x = keras.layers.Dropout(config.dropout, name=f"layer{index}_dropout")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(inputs, _head.classify(x, config.num_classes), name="cifarnet")
