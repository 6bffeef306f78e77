"""Random scale, random crop, mirror: the augmentation that the VGG networks were trained with."""

import tensorflow as tf

from source.augmenter import _geometry, _normalization, random_key
from source.augmenter._augmenter import Augmenter
from source.config.config import Numbers, require
from source.config.errors import ConfigError
from source.config.settings import settings

_SIDE = _geometry.FREE_DRAW


@settings
class Config(_normalization.NormalizationConfig):
    """Scales and statistics.

    The procedure is that of Simonyan, Zisserman: Very deep convolutional networks for large-scale image
    recognition, 2015, https://arxiv.org/abs/1409.1556, section 3.1.

    Attributes:
        resize_side_min: smallest shorter side in training, and the shorter side in evaluation, pixels; at
            least the larger side of the output.
        resize_side_max: largest shorter side in training, pixels, inclusive.
        flip: mirror left to right in half of the cases.
        antialias: widen the kernel when shrinking; sharper input than without, at more time. The published
            VGG and ResNet weights of TF-Slim were trained without.
        normalization: see `NormalizationConfig`; by default the mean is subtracted and nothing divided.
        mean: mean colour of ImageNet's training pixels, R, G, B.
        std: see `NormalizationConfig`.
    """

    resize_side_min: int = 256
    resize_side_max: int = 512
    flip: bool = True
    antialias: bool = False
    normalization: _normalization.Normalization = "mean_std"
    mean: Numbers = (123.68, 116.78, 103.94)
    std: Numbers = (1.0,)

    def __post_init__(self) -> None:
        """Refuses impossible ranges."""
        _normalization.NormalizationConfig.__post_init__(self)
        require(self.resize_side_min >= 1, "resize_side_min", "positive", self.resize_side_min)
        require(
            self.resize_side_max >= self.resize_side_min,
            "resize_side_max",
            f"at least resize_side_min={self.resize_side_min}",
            self.resize_side_max,
        )


class VggAugmenter(Augmenter):
    """Resizes the shorter side to U{min..max}, takes a random window, mirrors, normalises.

    Images are enlarged where they are smaller. Evaluation resizes to the smallest side and takes the centre.
    """

    def __init__(self, config: Config) -> None:
        self.config = config

    def distort(self, image: tf.Tensor, output_height: int, output_width: int, key: tf.Tensor) -> tf.Tensor:
        """Returns the random form; draws 0 to 3 of the key are row, column, mirror and shorter side."""
        config = self.config
        self._check_output(output_height, output_width)
        side = random_key.integer(key, _SIDE, config.resize_side_min, config.resize_side_max + 1)
        resized = _geometry.resize_shorter_side(image, side, config.antialias)
        window = _geometry.random_crop_and_flip(
            resized[tf.newaxis], key[tf.newaxis], output_height, output_width, flip=config.flip
        )
        return _normalization.normalize(window, config)[0]

    def standardize(self, images: tf.Tensor, output_height: int, output_width: int) -> tf.Tensor:
        """Returns the fixed form: shorter side to the smallest side, centre, normalised."""
        self._check_output(output_height, output_width)
        resized = _geometry.resize_shorter_side(images, self.config.resize_side_min, self.config.antialias)
        centre = _geometry.central_crop_or_pad(resized, output_height, output_width)
        return _normalization.normalize(centre, self.config)

    def _check_output(self, height: int, width: int) -> None:
        if max(height, width) > self.config.resize_side_min:
            raise ConfigError(
                f"`resize_side_min` must be at least the larger side of the output, {max(height, width)}. "
                f"Received: resize_side_min={self.config.resize_side_min}."
            )


def build(config: Config | None = None) -> VggAugmenter:
    """Returns the augmenter that `config` describes.

    Args:
        config: settings; None takes the defaults.
    """
    return VggAugmenter(config or Config())


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
def preprocess(images: tf.Tensor, output_height: int, output_width: int) -> tf.Tensor:
    """Returns one image or a batch by the default settings: `build().preprocess`, see there."""
    return build().preprocess(images, output_height, output_width)
