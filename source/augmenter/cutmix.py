"""CutMix: a box of every image of a batch is replaced by a partner's, and labels are mixed by area."""

import tensorflow as tf

from source.augmenter import _geometry, _mixer, random_key
from source.config.settings import settings

_ROW, _COLUMN = _mixer.FREE_DRAW, _mixer.FREE_DRAW + 1


@settings
class Config(_mixer.MixerConfig):
    """How large the boxes are.

    The method is that of Yun et al.: CutMix: regularization strategy to train strong classifiers with
    localizable features, 2019, https://arxiv.org/abs/1905.04899.

    Attributes:
        alpha: see `MixerConfig`; the paper uses 1.
        per_example: see `MixerConfig`; boxes, too, are then drawn for each example.
        probability: see `MixerConfig`; the paper uses 0.5 for CIFAR and 1 for ImageNet.
    """


class CutMix(_mixer.Mixer):
    """Replaces a box of area (1 - share) * h * w around a random pixel, share ~ Beta(alpha, alpha).

    What of the box lies outside the image is lost, so the label's share is counted in pixels afterwards.
    """

    def mix(
        self, images: tf.Tensor, partners: tf.Tensor, share: tf.Tensor, keys: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns images with boxes of their partners, and 1 - area of the box / area of the image."""
        height, width = _geometry.extent(images)
        keys = keys if self.config.per_example else keys[:1]
        rows, tall = _random_span(share, keys, _ROW, height)
        columns, wide = _random_span(share, keys, _COLUMN, width)
        box = rows[:, :, tf.newaxis, tf.newaxis] & columns[:, tf.newaxis, :, tf.newaxis]
        area = tf.cast(tall * wide, tf.float32) / tf.cast(height * width, tf.float32)
        return tf.where(box, partners, images), 1.0 - area


def _random_span(share: tf.Tensor, keys: tf.Tensor, draw: int, edge: _geometry.Size) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns which pixels along an edge are in the box, bool (n, edge), and how many, int32 (n,).

    The box reaches floor(edge * sqrt(1 - share)) // 2 pixels to both sides of a random one, within the image.
    """
    length = tf.cast(tf.cast(edge, tf.float32) * tf.sqrt(1.0 - share), tf.int32)
    centre = random_key.integer(keys, draw, 0, edge)
    first = tf.maximum(centre - length // 2, 0)
    last = tf.minimum(centre + length // 2, edge)
    along = tf.range(edge)
    inside = (along >= first[:, tf.newaxis]) & (along < last[:, tf.newaxis])
    return inside, last - first


def build(config: Config | None = None) -> CutMix:
    """Returns the mixer that `config` describes.

    Args:
        config: settings; None takes the defaults.
    """
    return CutMix(config or Config())


@tf.autograph.experimental.do_not_convert
def augment_batch_labels(
    images: tf.Tensor, labels: tf.Tensor, keys: tf.Tensor, num_classes: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns a mixed batch by the default settings: `build().augment_batch_labels`, see there."""
    return build().augment_batch_labels(images, labels, keys, num_classes)
