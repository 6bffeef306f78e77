"""No distortion at all: pictures are brought to size and normalised, in training as in evaluation."""

from typing import Literal

import tensorflow as tf

from source.augmenter import _geometry, _normalization
from source.augmenter._augmenter import BatchAugmenter
from source.config.settings import settings


@settings
class Config(_normalization.NormalizationConfig):
    """How pictures are brought to size and normalised.

    Attributes:
        fit: "resize" (bilinear, antialiased when shrinking, the aspect ratio is not kept), or "crop_or_pad"
            (the centre, with zeros around what is smaller).
        normalization: see `NormalizationConfig`.
        mean: see `NormalizationConfig`.
        std: see `NormalizationConfig`.
    """

    fit: Literal["resize", "crop_or_pad"] = "resize"
    normalization: _normalization.Normalization = "unit"


class Normalize(BatchAugmenter):
    """Resizes or crops, then normalises. Keys are taken and not used."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def distort_batch(self, images: tf.Tensor, output_height: int, output_width: int, keys: tf.Tensor) -> tf.Tensor:
        """Returns the fixed form."""
        return self.standardize(images, output_height, output_width)

    def standardize(self, images: tf.Tensor, output_height: int, output_width: int) -> tf.Tensor:
        """Returns the fixed form: brought to size, normalised."""
        if not _geometry.has_size(images, output_height, output_width):
            if self.config.fit == "resize":
                images = tf.image.resize(images, (output_height, output_width), antialias=True)
            else:
                images = _geometry.central_crop_or_pad(images, output_height, output_width)
        return _normalization.normalize(images, self.config)


def build(config: Config | None = None) -> Normalize:
    """Returns the augmenter that `config` describes.

    Args:
        config: settings; None takes the defaults.
    """
    return Normalize(config or Config())


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
