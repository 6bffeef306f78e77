"""Decoded images in memory: one tensor when all have one size, otherwise flat pixels with offsets."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from source.inputter._examples import on_host


class EqualStore:
    """Images of one size.

    Attributes:
        shape: (h, w, c) of every image.
    """

    def __init__(self, images: np.ndarray) -> None:
        self.shape: tuple[int, int, int] | None = tuple(images.shape[1:])
        self._images = on_host(images, tf.uint8)

    @property
    def size_bytes(self) -> int:
        """How much memory the pixels take."""
        return int(np.prod(self._images.shape, dtype=np.int64))

    def one(self, index: tf.Tensor) -> tf.Tensor:
        """Returns the image at a position: uint8 (h, w, c)."""
        return tf.gather(self._images, index)

    def batch(self, index: tf.Tensor) -> tf.Tensor:
        """Returns the images at positions (b,): uint8 (b, h, w, c)."""
        return tf.gather(self._images, index)


class RaggedStore:
    """Images of different sizes, one behind the other.

    Attributes:
        shape: None, since there is not one shape.
    """

    def __init__(self, pixels: np.ndarray, shapes: np.ndarray) -> None:
        self.shape: tuple[int, int, int] | None = None
        sizes = np.prod(shapes.astype(np.int64), axis=1)
        self._channels = int(shapes[0, 2])
        self._pixels = on_host(pixels, tf.uint8)
        self._shapes = on_host(shapes, tf.int64)
        self._starts = on_host(np.cumsum(sizes) - sizes, tf.int64)
        self._sizes = on_host(sizes, tf.int64)

    @property
    def size_bytes(self) -> int:
        """How much memory the pixels take."""
        return int(self._pixels.shape[0])

    def one(self, index: tf.Tensor) -> tf.Tensor:
        """Returns the image at a position: uint8 (h, w, c)."""
        start, size = tf.gather(self._starts, index), tf.gather(self._sizes, index)
        flat = tf.slice(self._pixels, start[tf.newaxis], size[tf.newaxis])
        return tf.ensure_shape(tf.reshape(flat, tf.gather(self._shapes, index)), (None, None, self._channels))


Store = EqualStore | RaggedStore


def store(pixels: Sequence[np.ndarray], shapes: np.ndarray) -> Store:
    """Returns a store of images given as flat pieces.

    Args:
        pixels: uint8 vectors; joined they are all images, one behind the other.
        shapes: (n, 3) height, width and channels of each image.
    """
    flat = np.concatenate(pixels)
    if (shapes == shapes[0]).all():
        return EqualStore(flat.reshape(len(shapes), *map(int, shapes[0])))
    return RaggedStore(flat, shapes)
