"""Pad, crop, mirror and change the light: the augmentation of small pictures such as CIFAR's."""

import tensorflow as tf

from source.augmenter import _color, _geometry, _normalization, random_key
from source.augmenter._augmenter import BatchAugmenter
from source.config.config import require
from source.config.settings import settings

_BRIGHTNESS, _CONTRAST = _geometry.FREE_DRAW, _geometry.FREE_DRAW + 1


@settings
class Config(_normalization.NormalizationConfig):
    """What is done to a picture in training, each part of which can be switched off.

    ResNet's published CIFAR accuracy uses less than the defaults: `Config(brightness=0.0, contrast_low=1.0,
    contrast_high=1.0, normalization="mean_std")` (He et al., Deep residual learning for image recognition,
    2016, https://arxiv.org/abs/1512.03385, section 4.2).

    Attributes:
        pad: zeros added on each side before the random crop, pixels; 0 crops only what is too large.
        flip: mirror left to right in half of the cases.
        brightness: adds U(-brightness, brightness) to all pixels; 0 adds nothing.
        contrast_low: smallest factor f of (x - mean of the channel) * f + mean of the channel.
        contrast_high: largest such factor; contrast_low = contrast_high = 1 changes nothing.
        normalization: see `NormalizationConfig`; "per_image" also takes out what brightness and contrast
            left.
        mean: see `NormalizationConfig`; CIFAR-10's.
        std: see `NormalizationConfig`; CIFAR-10's.
    """

    pad: int = 4
    flip: bool = True
    brightness: float = 63.0
    contrast_low: float = 0.2
    contrast_high: float = 1.8

    def __post_init__(self) -> None:
        """Refuses impossible ranges."""
        _normalization.NormalizationConfig.__post_init__(self)
        require(self.pad >= 0, "pad", "at least 0", self.pad)
        require(self.brightness >= 0, "brightness", "at least 0", self.brightness)
        require(self.contrast_low >= 0, "contrast_low", "at least 0", self.contrast_low)
        require(
            self.contrast_high >= self.contrast_low,
            "contrast_high",
            f"at least contrast_low={self.contrast_low}",
            self.contrast_high,
        )


class CifarAugmenter(BatchAugmenter):
    """Random window of the padded picture, mirror, brightness, contrast, normalisation, in this order.

    Evaluation takes the centre, padded with zeros where the picture is smaller, and normalises.
    """

    def __init__(self, config: Config) -> None:
        self.config = config

    def distort_batch(self, images: tf.Tensor, output_height: int, output_width: int, keys: tf.Tensor) -> tf.Tensor:
        """Returns the random form; draws 0 to 4 of a key are row, column, mirror, brightness and contrast."""
        config = self.config
        images = _geometry.random_crop_and_flip(images, keys, output_height, output_width, config.pad, config.flip)
        if config.brightness:
            delta = random_key.uniform(keys, _BRIGHTNESS, -config.brightness, config.brightness)
            images = _color.add_brightness(images, delta)
        if (config.contrast_low, config.contrast_high) != (1.0, 1.0):
            factor = random_key.uniform(keys, _CONTRAST, config.contrast_low, config.contrast_high)
            images = _color.scale_contrast(images, factor)
        return _normalization.normalize(images, config)

    def standardize(self, images: tf.Tensor, output_height: int, output_width: int) -> tf.Tensor:
        """Returns the fixed form: the centre, normalised."""
        centre = _geometry.central_crop_or_pad(images, output_height, output_width)
        return _normalization.normalize(centre, self.config)


def build(config: Config | None = None) -> CifarAugmenter:
    """Returns the augmenter that `config` describes.

    Args:
        config: settings; None takes the defaults.
    """
    return CifarAugmenter(config or Config())


@tf.autograph.experimental.do_not_convert
def augment(
    image: tf.Tensor,
    output_height: int,
    output_width: int,
    is_training: bool = False,
    speed_mode: bool = False,
    key: tf.Tensor | None = None,
) -> tf.Tensor:
    """Returns one image by the default settings: `build().augment`, see there."""
    return build().augment(image, output_height, output_width, is_training, speed_mode, key)


@tf.autograph.experimental.do_not_convert
def augment_batch(
    images: tf.Tensor,
    output_height: int,
    output_width: int,
    is_training: bool = False,
    speed_mode: bool = False,
    keys: tf.Tensor | None = None,
) -> tf.Tensor:
    """Returns a batch by the default settings: `build().augment_batch`, see there."""
    return build().augment_batch(images, output_height, output_width, is_training, speed_mode, keys)


@tf.autograph.experimental.do_not_convert
def preprocess(images: tf.Tensor, output_height: int, output_width: int) -> tf.Tensor:
    """Returns one image or a batch by the default settings: `build().preprocess`, see there."""
    return build().preprocess(images, output_height, output_width)
