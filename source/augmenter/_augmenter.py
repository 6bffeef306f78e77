"""What image augmenters have in common: their methods, and the checks of what they are given.

No augmenter branches on tensors in Python, so none is converted by AutoGraph: tracing one takes 0.1 s instead
of the seconds that converting all that it calls would take in every process.
"""

import abc

import tensorflow as tf

from source.config.errors import ConfigError


class Augmenter(abc.ABC):
    """Turns decoded images into a network's input, at random in training and always alike otherwise."""

    @tf.autograph.experimental.do_not_convert
    def augment(
        self,
        image: tf.Tensor,
        output_height: int,
        output_width: int,
        is_training: bool = False,
        speed_mode: bool = False,
        key: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Returns one image as the network takes it: a pure function of image and key.

        Args:
            image: uint8 or float (h, w, c) from 0 to 255.
            output_height: rows of the result, pixels.
            output_width: columns of the result, pixels.
            is_training: distort at random; otherwise the result is `preprocess(image, ...)`.
            speed_mode: do what evaluation does, in training too.
            key: uint64 scalar from `random_key.fold`, needed when distorting.

        Returns:
            float32 (output_height, output_width, c), with that static shape.

        Raises:
            ConfigError: if a size is not positive, the image has another rank, or a key is missing.
        """
        image = _checked(image, (3,), output_height, output_width)
        if speed_mode or not is_training:
            return self.preprocess(image, output_height, output_width)
        distorted = self.distort(image, output_height, output_width, _checked_key(key, "key", 0))
        return tf.ensure_shape(distorted, (output_height, output_width, image.shape[-1]))

    @tf.autograph.experimental.do_not_convert
    def preprocess(self, images: tf.Tensor, output_height: int, output_width: int) -> tf.Tensor:
        """Returns one image or a batch as evaluation, inference and an exported model take it.

        Args:
            images: uint8 or float (h, w, c) or (b, h, w, c) from 0 to 255.
            output_height: rows of the result, pixels.
            output_width: columns of the result, pixels.

        Returns:
            float32 (output_height, output_width, c) or (b, output_height, output_width, c).

        Raises:
            ConfigError: if a size is not positive or the images have another rank.
        """
        images = _checked(images, (3, 4), output_height, output_width)
        single = images.shape.rank == 3
        batch = self.standardize(images[tf.newaxis] if single else images, output_height, output_width)
        batch = tf.ensure_shape(batch, (None, output_height, output_width, images.shape[-1]))
        return batch[0] if single else batch

    @abc.abstractmethod
    def distort(self, image: tf.Tensor, output_height: int, output_width: int, key: tf.Tensor) -> tf.Tensor:
        """Returns (output_height, output_width, c) float32: the random form, for checked arguments."""

    @abc.abstractmethod
    def standardize(self, images: tf.Tensor, output_height: int, output_width: int) -> tf.Tensor:
        """Returns (b, output_height, output_width, c) float32: the fixed form, for checked arguments."""


class BatchAugmenter(Augmenter):
    """An augmenter that distorts a whole batch in vectorised operations; one image is a batch of one."""

    @tf.autograph.experimental.do_not_convert
    def augment_batch(
        self,
        images: tf.Tensor,
        output_height: int,
        output_width: int,
        is_training: bool = False,
        speed_mode: bool = False,
        keys: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Returns a batch as the network takes it, bit for bit `augment` of each image with its key.

        Args:
            images: uint8 or float (b, h, w, c) from 0 to 255.
            output_height: rows of the result, pixels.
            output_width: columns of the result, pixels.
            is_training: distort at random; otherwise the result is `preprocess(images, ...)`.
            speed_mode: do what evaluation does, in training too.
            keys: uint64 (b,) from `random_key.fold`, needed when distorting.

        Returns:
            float32 (b, output_height, output_width, c).

        Raises:
            ConfigError: if a size is not positive, the images have another rank, or keys are missing.
        """
        images = _checked(images, (4,), output_height, output_width)
        if speed_mode or not is_training:
            return self.preprocess(images, output_height, output_width)
        distorted = self.distort_batch(images, output_height, output_width, _checked_key(keys, "keys", 1))
        return tf.ensure_shape(distorted, (images.shape[0], output_height, output_width, images.shape[-1]))

    def distort(self, image: tf.Tensor, output_height: int, output_width: int, key: tf.Tensor) -> tf.Tensor:
        """Returns the batch form's result for a batch of one."""
        return self.distort_batch(image[tf.newaxis], output_height, output_width, key[tf.newaxis])[0]

    @abc.abstractmethod
    def distort_batch(self, images: tf.Tensor, output_height: int, output_width: int, keys: tf.Tensor) -> tf.Tensor:
        """Returns (b, output_height, output_width, c) float32: the random form, for checked arguments."""


def _checked(images: tf.Tensor, ranks: tuple[int, ...], height: int, width: int) -> tf.Tensor:
    """Returns `images` as a tensor after checking their rank, their channels and the size wanted."""
    for name, value in (("output_height", height), ("output_width", width)):
        if value < 1:
            raise ConfigError(f"`{name}` must be positive. Received: {name}={value!r}.")
    images = tf.convert_to_tensor(images)
    if images.shape.rank not in ranks or images.shape[-1] is None:
        expected = " or ".join({3: "(h, w, c)", 4: "(b, h, w, c)"}[rank] for rank in ranks)
        raise ConfigError(
            f"Images must have the shape {expected} with a known c. Received: shape={images.shape}. "
            f"Decode with a fixed number of channels, or use `tf.ensure_shape`."
        )
    return images


def _checked_key(key: tf.Tensor | None, name: str, rank: int) -> tf.Tensor:
    """Returns the key or keys of a random distortion after checking that they are there and fit."""
    if key is None:
        raise ConfigError(f"`{name}` must be given when is_training=True: see random_key.fold. Received: {name}=None.")
    key = tf.convert_to_tensor(key)
    if key.dtype != tf.uint64 or key.shape.rank != rank:
        raise ConfigError(
            f"`{name}` must be uint64 of rank {rank}, from random_key.fold. "
            f"Received: dtype={key.dtype.name}, shape={key.shape}."
        )
    return key
