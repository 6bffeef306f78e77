"""What mixers of whole batches have in common: partners, shares, soft labels and checks."""

import abc

import tensorflow as tf

from source.augmenter import random_key
from source.config.config import require
from source.config.errors import ConfigError
from source.config.settings import settings

# Keys are those that the images were augmented with; draws from here on are the mixers'.
_PARTNER, _APPLY, _SHARE = 1 << 16, (1 << 16) + 1, (1 << 16) + 2
FREE_DRAW = (1 << 16) + 3


@settings
class MixerConfig:
    """How strongly batches are mixed.

    Attributes:
        alpha: both parameters of the Beta distribution that the share of an image is drawn from, positive; 1
            draws evenly from 0 to 1, less prefers the ends.
        per_example: draw a share for each example, instead of one for the batch as the papers' authors do.
        probability: of mixing a batch at all, 0 to 1.
    """

    alpha: float = 1.0
    per_example: bool = False
    probability: float = 1.0

    def __post_init__(self) -> None:
        """Refuses impossible numbers."""
        require(self.alpha > 0, "alpha", "positive", self.alpha)
        require(0 <= self.probability <= 1, "probability", "from 0 to 1", self.probability)


class Mixer(abc.ABC):
    """Mixes every example of a batch with a partner of the same batch, images and labels alike."""

    def __init__(self, config: MixerConfig) -> None:
        self.config = config

    @tf.autograph.experimental.do_not_convert
    def augment_batch_labels(
        self, images: tf.Tensor, labels: tf.Tensor, keys: tf.Tensor, num_classes: int
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns a mixed batch and its soft labels: pure functions of the batch and its keys.

        Partners are a permutation of the batch, drawn evenly. What concerns the batch as a whole is drawn
        from the first key.

        Args:
            images: float32 (b, h, w, c), preprocessed.
            labels: integers (b,) from 0 to num_classes - 1, or float (b, num_classes).
            keys: uint64 (b,) from `random_key.fold`.
            num_classes: at least 1.

        Returns:
            Images, float32 (b, h, w, c), and labels, float32 (b, num_classes), whose rows sum to what they
            did.

        Raises:
            ConfigError: if labels do not fit `num_classes`, or a rank is another.
        """
        images, soft = tf.convert_to_tensor(images), soft_labels(labels, num_classes)
        if images.shape.rank != 4:
            raise ConfigError(f"Images must have the shape (b, h, w, c). Received: shape={images.shape}.")
        keys = tf.convert_to_tensor(keys)
        if keys.dtype != tf.uint64 or keys.shape.rank != 1:
            raise ConfigError(
                f"`keys` must be uint64 of rank 1, from random_key.fold. "
                f"Received: dtype={keys.dtype.name}, shape={keys.shape}."
            )
        partners = random_partners(keys)
        share = self._random_share(keys)
        mixed, share = self.mix(images, tf.gather(images, partners), share, keys)
        share = share[:, tf.newaxis]
        return tf.ensure_shape(mixed, images.shape), share * soft + (1.0 - share) * tf.gather(soft, partners)

    @abc.abstractmethod
    def mix(
        self, images: tf.Tensor, partners: tf.Tensor, share: tf.Tensor, keys: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns mixed images, and the share (b,) or (1,) that each image really has in its mixture.

        Args:
            images: float32 (b, h, w, c).
            partners: float32 (b, h, w, c).
            share: float32 (b,) or (1,), drawn; exactly 1 where nothing is to be mixed.
            keys: uint64 (b,).
        """

    def _random_share(self, keys: tf.Tensor) -> tf.Tensor:
        config = self.config
        share = random_beta(keys[0], _SHARE, config.alpha, tf.size(keys) if config.per_example else 1)
        if config.probability == 1.0:
            return share
        applied = random_key.uniform(keys[0], _APPLY) < config.probability
        return tf.where(applied, share, tf.ones_like(share))


def random_partners(keys: tf.Tensor) -> tf.Tensor:
    """Returns an evenly drawn permutation of the batch: the order of one draw of its keys.

    Args:
        keys: uint64 (b,).

    Returns:
        int32 (b,).
    """
    drawn = tf.bitcast(random_key.bits(keys, _PARTNER), tf.int64)
    return tf.argsort(drawn, stable=True)


def random_beta(key: tf.Tensor, draw: int, alpha: float, count: tf.Tensor | int) -> tf.Tensor:
    """Returns numbers of the Beta(alpha, alpha) distribution: g1 / (g1 + g2) of two Gamma(alpha) numbers.

    They are drawn in float64, where both underflow to 0 once in 10^6 draws at alpha 0.01 (the result is then
    0). TensorFlow keeps `stateless_gamma` equal on one kind of device, within one version.

    Args:
        key: uint64 scalar.
        draw: integer >= 0.
        alpha: positive.
        count: how many.

    Returns:
        float32 (count,) from 0 to 1.
    """
    seed = random_key.seed_pair(key, draw)
    gammas = tf.random.stateless_gamma((2, count), seed, alpha=tf.constant(alpha, tf.float64), dtype=tf.float64)
    return tf.cast(tf.math.divide_no_nan(gammas[0], gammas[0] + gammas[1]), tf.float32)


def soft_labels(labels: tf.Tensor, num_classes: int) -> tf.Tensor:
    """Returns labels as one row of probabilities each.

    Args:
        labels: integers (b,), or float (b, num_classes), which come back.
        num_classes: at least 1.

    Returns:
        float32 (b, num_classes).

    Raises:
        ConfigError: if the labels have another shape.
    """
    labels = tf.convert_to_tensor(labels)
    if labels.shape.rank == 1 and labels.dtype.is_integer:
        return tf.one_hot(labels, num_classes)
    if labels.shape.rank == 2 and labels.dtype.is_floating and labels.shape[1] == num_classes:
        return tf.cast(labels, tf.float32)
    raise ConfigError(
        f"Labels must be integers of shape (b,) or floats of shape (b, {num_classes}). "
        f"Received: dtype={labels.dtype.name}, shape={labels.shape}."
    )
