"""What an augmenter does for an inputter: one way for training, one for everything else."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import tensorflow as tf


class Preparation:
    """Decoded images to a network's input, with an augmenter or without.

    Attributes:
        is_batched: whether whole batches of equal images can be prepared at once.
        trace: what the pipeline passes its functions through. Ours are graph code as they stand, and converting
            them with AutoGraph would add a second to every start; augmenters from elsewhere are converted.
    """

    def __init__(self, augmenter: Any, height: int, width: int, speed_mode: bool = False) -> None:
        self._augmenter = augmenter
        self._height, self._width, self._speed_mode = height, width, speed_mode
        is_ours = augmenter is None or _module_name(augmenter).startswith("source.")
        self.trace = tf.autograph.experimental.do_not_convert if is_ours else _unchanged
        self.is_batched = augmenter is None or hasattr(augmenter, "augment_batch")

    def preprocess(self, images: tf.Tensor) -> tf.Tensor:
        """Returns images as evaluation, inference and an exported model take them.

        Args:
            images: uint8 or float (h, w, c) or (b, h, w, c) from 0 to 255.

        Returns:
            float32 (height, width, c) or (b, height, width, c).
        """
        if self._augmenter is None:
            return resize(images, self._height, self._width)
        if hasattr(self._augmenter, "preprocess"):
            return self._augmenter.preprocess(images, self._height, self._width)
        if images.shape.rank == 3:
            return self._augmenter.augment(images, self._height, self._width, is_training=False)
        shape = (self._height, self._width, images.shape[-1])
        return tf.map_fn(self.preprocess, images, fn_output_signature=tf.TensorSpec(shape, tf.float32))

    def prepare(self, image: tf.Tensor, key: tf.Tensor | None) -> tf.Tensor:
        """Returns one image for training, or as `preprocess` does if there is no key.

        Args:
            image: uint8 (h, w, c).
            key: uint64 scalar, or None.

        Returns:
            float32 (height, width, c).
        """
        if key is None or self._augmenter is None:
            return self.preprocess(image)
        return self._augmenter.augment(
            image, self._height, self._width, is_training=True, speed_mode=self._speed_mode, key=key
        )

    def prepare_batch(self, images: tf.Tensor, keys: tf.Tensor | None) -> tf.Tensor:
        """Returns a batch for training, or as `preprocess` does if there are no keys; needs `is_batched`.

        Args:
            images: uint8 (b, h, w, c).
            keys: uint64 (b,), or None.

        Returns:
            float32 (b, height, width, c), each image equal to `prepare`'s bit for bit.
        """
        if keys is None or self._augmenter is None:
            return self.preprocess(images)
        return self._augmenter.augment_batch(
            images, self._height, self._width, is_training=True, speed_mode=self._speed_mode, keys=keys
        )


def resize(images: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Returns images resized bilinearly (smoothed first when they shrink) to float32, values still 0 to 255.

    Args:
        images: uint8 or float (h, w, c) or (b, h, w, c).
        height: rows of the result, pixels.
        width: columns of the result, pixels.

    Returns:
        float32 (height, width, c) or (b, height, width, c).
    """
    if tuple(images.shape[-3:-1]) == (height, width):
        return tf.cast(images, tf.float32)
    return tf.cast(tf.image.resize(images, (height, width), antialias=True), tf.float32)


def _module_name(augmenter: Any) -> str:
    return augmenter.__name__ if isinstance(augmenter, ModuleType) else type(augmenter).__module__


def _unchanged(function: Callable) -> Callable:
    return function
