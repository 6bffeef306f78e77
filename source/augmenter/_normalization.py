"""The last step of every augmenter: pixels from 0 to 255 become the numbers that a network is trained on."""

import math
from typing import Literal

import tensorflow as tf

from source.augmenter import _fixed_order
from source.config.config import Numbers, require
from source.config.errors import ConfigError
from source.config.settings import settings

Normalization = Literal["per_image", "mean_std", "unit", "symmetric", "none"]

# Mean and standard deviation of CIFAR-10's training pixels, per channel R, G, B, on the scale from 0 to 255
# (0.49139968, 0.48215841, 0.44653091 and 0.24703223, 0.24348513, 0.26158784 on the scale from 0 to 1).
CIFAR10_MEAN = (125.30691840, 122.95039455, 113.86538205)
CIFAR10_STD = (62.99321865, 62.08870815, 66.70489920)

_SHIFT_SCALE = {"unit": (0.0, 255.0), "symmetric": (127.5, 127.5)}


@settings
class NormalizationConfig:
    """How pixels are normalised; every image augmenter extends it.

    Attributes:
        normalization: "per_image" (x - mean of the image) / max(its standard deviation, 1 / sqrt(its size));
            "mean_std" (x - mean) / std; "unit" x / 255, from 0 to 1; "symmetric" x / 127.5 - 1, from -1 to 1;
            "none" x as float.
        mean: for "mean_std": one value, or one a channel, on the scale from 0 to 255.
        std: for "mean_std": one positive value, or one a channel, on the scale from 0 to 255.
    """

    normalization: Normalization = "per_image"
    mean: Numbers = CIFAR10_MEAN
    std: Numbers = CIFAR10_STD

    def __post_init__(self) -> None:
        """Refuses statistics that cannot be used."""
        require(len(self.mean) >= 1, "mean", "one value, or one for each channel", self.mean)
        require(len(self.std) >= 1 and min(self.std) > 0, "std", "positive", self.std)


def normalize(images: tf.Tensor, config: NormalizationConfig) -> tf.Tensor:
    """Returns images as the network takes them, by `config.normalization`.

    Divisions by constants are multiplications by their reciprocals, rounded once to float32: the graph
    optimizer would do that anyway, and eager results would then differ in the last bit.

    Args:
        images: uint8 or float (b, h, w, c) on the scale from 0 to 255, with static h, w and c.
        config: kind and statistics.

    Returns:
        float32 (b, h, w, c).

    Raises:
        ConfigError: if `mean` or `std` fit no such number of channels.
    """
    images = tf.cast(images, tf.float32)
    if config.normalization == "none":
        return images
    if config.normalization == "per_image":
        return _standardize(images)
    if config.normalization == "mean_std":
        _check_channels(images.shape[-1], config)
        return (images - tf.constant(config.mean)) * tf.constant([1.0 / std for std in config.std])
    shift, scale = _SHIFT_SCALE[config.normalization]
    return (images - shift if shift else images) * (1.0 / scale)


def _standardize(images: tf.Tensor) -> tf.Tensor:
    """Returns each image with mean 0 and standard deviation 1; a constant image becomes zeros."""
    _, height, width, channels = images.shape
    size = height * width * channels
    flat = tf.reshape(images, (-1, size, 1))
    centered = flat - _fixed_order.mean_over_pixels(flat)[:, tf.newaxis]
    deviation = tf.sqrt(_fixed_order.mean_over_pixels(centered * centered))
    scale = 1.0 / tf.maximum(deviation, 1.0 / math.sqrt(size))
    return tf.reshape(centered * scale[:, tf.newaxis], (-1, height, width, channels))


def _check_channels(channels: int, config: NormalizationConfig) -> None:
    for name in ("mean", "std"):
        values = getattr(config, name)
        if len(values) not in (1, channels):
            raise ConfigError(
                f"`{name}` must have one value, or one for each of the image's {channels} channels. "
                f"Received: {name}={values!r}."
            )
