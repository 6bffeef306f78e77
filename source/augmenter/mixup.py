"""Mixup: every image of a batch is blended with a partner's, and so are their labels."""

import tensorflow as tf

from source.augmenter import _mixer
from source.config.settings import settings


@settings
class Config(_mixer.MixerConfig):
    """How strongly images are blended.

    The method is that of Zhang et al.: mixup: beyond empirical risk minimization, 2018,
    https://arxiv.org/abs/1710.09412.

    Attributes:
        alpha: see `MixerConfig`; the paper uses 0.2 for ImageNet and 1 for CIFAR.
        per_example: see `MixerConfig`.
        probability: see `MixerConfig`.
    """

    alpha: float = 0.2


class Mixup(_mixer.Mixer):
    """Gives `share * image + (1 - share) * partner`, share ~ Beta(alpha, alpha), and labels likewise."""

    def mix(
        self, images: tf.Tensor, partners: tf.Tensor, share: tf.Tensor, keys: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the blend of images and partners, and the share as it came."""
        weight = share[:, tf.newaxis, tf.newaxis, tf.newaxis]
        return weight * images + (1.0 - weight) * partners, share


def build(config: Config | None = None) -> Mixup:
    """Returns the mixer that `config` describes.

    Args:
        config: settings; None takes the defaults.
    """
    return Mixup(config or Config())


@tf.autograph.experimental.do_not_convert
def augment_batch_labels(
    images: tf.Tensor, labels: tf.Tensor, keys: tf.Tensor, num_classes: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns a mixed batch by the default settings: `build().augment_batch_labels`, see there."""
    return build().augment_batch_labels(images, labels, keys, num_classes)
