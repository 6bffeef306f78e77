"""LeNet-5 in the form that compression papers prune: two convolutions, two dense layers."""

import keras

from source.config.config import NetworkConfig
from source.config.settings import adopt, settings
from source.network import _head, _inputs, _settings


@settings
class Config(NetworkConfig):
    """Settings of LeNet-5.

    Attributes:
        dropout: share of the flattened features dropped in training, from 0 to below 1.
    """

    dropout: float = 0.5

    def __post_init__(self) -> None:
        NetworkConfig.__post_init__(self)
        _settings.require_shares(self, "dropout")


def build(config: NetworkConfig, inputs: keras.KerasTensor) -> keras.Model:
    """Returns conv 5x5x20, pool, conv 5x5x50, pool, dropout, dense 500, dense num_classes, with ReLU between.

    The Caffe variant of LeCun et al. 1998 (http://yann.lecun.com/exdb/publis/pdf/lecun-98.pdf) with ReLU,
    which Mayo (https://github.com/deep-fry/mayo) and dynamic network surgery
    (https://arxiv.org/abs/1608.04493) use. Convolutions are not padded; weights begin truncated normal with
    deviation 0.09, biases at zero.

    Args:
        config: a `Config`, or a `NetworkConfig` for the defaults of all else.
        inputs: images, (b, h, w, c) with h and w known and at least 16, in [-1, 1]. 431,080 parameters and
            2,293,000 multiplications belong to 28x28x1 and 10 classes.

    Returns:
        A model whose output is (b, num_classes) float32 logits.

    Raises:
        ConfigError: if `inputs` are no images of known and sufficient size.
    """
    config = adopt(Config, config)
    _inputs.require_images(inputs, "lenet5", least_side=16, fixed_size=True)
    x = inputs
    for index, filters in enumerate((20, 50), 1):
        x = keras.layers.Conv2D(filters, 5, activation="relu", kernel_initializer=_initializer(), name=f"conv{index}")(
            x
        )
        x = keras.layers.MaxPooling2D(2, name=f"pool{index}")(x)
    x = keras.layers.Flatten(name="features")(x)
    if config.dropout:
        x = keras.layers.Dropout(config.dropout, name="features_dropout")(x)
    x = keras.layers.Dense(500, activation="relu", kernel_initializer=_initializer(), name="dense1")(x)
    logits = _head.classify(x, config.num_classes, kernel_initializer=_initializer())
    return keras.Model(inputs, logits, name="lenet5")


def _initializer() -> keras.initializers.Initializer:
    """Returns a new one for every layer: a shared one would give layers of equal shape equal weights."""
    return keras.initializers.TruncatedNormal(stddev=0.09)
