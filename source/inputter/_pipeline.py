"""Steps to batches of prepared images: the `tf.data` pipeline, from memory or from files."""

import dataclasses
from collections.abc import Callable

import tensorflow as tf

from source.augmenter import random_key
from source.inputter import _image, _store
from source.inputter._order import Order, Rows
from source.inputter._preparation import Preparation
from source.inputter._scan import Need

PREFETCHED_BATCHES = 2
_LARGEST_PIECE, _SMALL_PIXELS = 8, 128 * 128


@dataclasses.dataclass(frozen=True)
class FileReader:
    """Images that are decoded anew whenever they are wanted.

    Attributes:
        read: from a position to the encoded bytes, in the graph.
        need: what makes an image usable.
        shape: (h, w, c) that all images are expected to have, or None; an image of another shape still works,
            but is decoded twice.
    """

    read: Callable[[tf.Tensor], tf.Tensor]
    need: Need
    shape: tuple[int, int, int] | None

    def one(self, index: tf.Tensor) -> tf.Tensor:
        """Returns the image at a position: uint8 (h, w, c)."""
        return self.need.decode(self.read(index))

    def expected(self, index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the images at positions (k,), with a static k, and whether all have the expected shape.

        Returns:
            uint8 (k, h, w, c), zeros if one has another shape, and bool (k,).
        """
        places = tf.unstack(index)
        images = [_image.decode(self.read(place), self.need.depth) for place in places]
        shapes = tf.stack([tf.shape(image) for image in images])
        is_expected = tf.reduce_all(tf.equal(shapes, self.shape))
        wanted = (len(places), *(self.shape or ()))
        stacked = tf.cond(is_expected, lambda: tf.stack(images), lambda: tf.zeros(wanted, tf.uint8))
        return tf.ensure_shape(stacked, wanted), tf.repeat(is_expected, len(places))


Source = _store.Store | FileReader


@dataclasses.dataclass(frozen=True)
class Pipeline:
    """How batches are made of an order.

    Attributes:
        source: where decoded images come from.
        preparation: what is done to them.
        image_shape: (h, w, c) of a prepared image.
        finish: from the rows, the prepared images (b, h, w, c) and the keys (b,), or None, to a batch.
        threads: how many map at a time; None lets `tf.data` choose.
    """

    source: Source
    preparation: Preparation
    image_shape: tuple[int, int, int]
    finish: Callable[[Rows, tf.Tensor, tf.Tensor | None], dict[str, tf.Tensor]]
    threads: int | None = None

    def batches(self, order: Order, start: int, batch: int, seed: int | None) -> tf.data.Dataset:
        """Returns the batches of the steps of an order.

        All three ways give the same bits: equal images in memory are gathered and prepared by the batch, equal
        images in files are decoded one by one and prepared by the batch, all others are prepared one by one.

        Args:
            order: which examples a step takes.
            start: the first step.
            batch: examples in a step.
            seed: the seed that keys follow from; None prepares images as evaluation does.
        """
        steps = order.steps(start)

        def keys_of(rows: Rows) -> tf.Tensor | None:
            return None if seed is None else random_key.fold(seed, rows.epoch, rows.index)

        is_batched = self.preparation.is_batched and self.source.shape is not None
        if is_batched and isinstance(self.source, _store.EqualStore):
            made = self._from_memory(self.source, order, steps, keys_of)
        elif is_batched and isinstance(self.source, FileReader):
            made = self._from_equal_files(self.source, order, steps, batch, keys_of)
        else:
            made = self._one_by_one(order, steps, batch, keys_of)
        options = tf.data.Options()
        options.deterministic = True
        return made.prefetch(PREFETCHED_BATCHES).with_options(options)

    def _from_memory(
        self, source: _store.EqualStore, order: Order, steps: tf.data.Dataset, keys_of: Callable
    ) -> tf.data.Dataset:
        def make(step: tf.Tensor) -> dict[str, tf.Tensor]:
            rows = order.rows(step)
            keys = keys_of(rows)
            return self.finish(rows, self.preparation.prepare_batch(source.batch(rows.index), keys), keys)

        return self._map(steps, make)

    def _from_equal_files(
        self, source: FileReader, order: Order, steps: tf.data.Dataset, batch: int, keys_of: Callable
    ) -> tf.data.Dataset:
        def prepare_others(
            images: tf.Tensor, is_expected: tf.Tensor, index: tf.Tensor, keys: tf.Tensor | None
        ) -> tf.Tensor:
            def prepare(place: tf.Tensor) -> tf.Tensor:
                key = None if keys is None else keys[place]
                return tf.cond(
                    is_expected[place],
                    lambda: self.preparation.prepare(images[place], key),
                    lambda: self.preparation.prepare(source.one(index[place]), key),
                )

            return tf.map_fn(prepare, tf.range(batch), fn_output_signature=tf.TensorSpec(self.image_shape, tf.float32))

        def make(rows: Rows, decoded: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
            keys = keys_of(rows)
            images = tf.reshape(decoded[0], [batch, *decoded[0].shape[2:]])
            is_expected = tf.reshape(decoded[1], [batch])
            images = tf.cond(
                tf.reduce_all(is_expected),
                lambda: self.preparation.prepare_batch(images, keys),
                lambda: prepare_others(images, is_expected, rows.index, keys),
            )
            return self.finish(rows, tf.ensure_shape(images, (batch, *self.image_shape)), keys)

        rows = steps.map(tf.autograph.experimental.do_not_convert(order.rows))
        size = _piece(batch, source.shape)
        pieces = rows.map(tf.autograph.experimental.do_not_convert(lambda rows: tf.reshape(rows.index, [-1, size])))
        decoded = self._map(pieces.unbatch(), source.expected).batch(batch // size, drop_remainder=True)
        return self._map(tf.data.Dataset.zip(rows, decoded), make)

    def _one_by_one(self, order: Order, steps: tf.data.Dataset, batch: int, keys_of: Callable) -> tf.data.Dataset:
        def example(index: tf.Tensor, *key: tf.Tensor) -> tf.Tensor:
            image = self.preparation.prepare(self.source.one(index), *(key or (None,)))
            return tf.ensure_shape(image, self.image_shape)

        @tf.autograph.experimental.do_not_convert
        def parts(rows: Rows) -> tuple[tf.Tensor, ...]:
            keys = keys_of(rows)
            return (rows.index,) if keys is None else (rows.index, keys)

        rows = steps.map(tf.autograph.experimental.do_not_convert(order.rows))
        images = self._map(rows.map(parts).unbatch(), example).batch(batch, drop_remainder=True)
        return self._map(
            tf.data.Dataset.zip(rows, images), lambda rows, images: self.finish(rows, images, keys_of(rows))
        )

    def _map(self, dataset: tf.data.Dataset, function: Callable) -> tf.data.Dataset:
        return dataset.map(
            self.preparation.trace(function),
            num_parallel_calls=self.threads or tf.data.AUTOTUNE,
            deterministic=True,
        )


def _piece(batch: int, shape: tuple[int, int, int] | None) -> int:
    """Returns how many images one call of the decoding function reads, a divisor of the batch.

    Calling it costs 15 microseconds, as much as reading a small file: 32x32 PNGs take 65 microseconds one by one and
    45 in pieces of 8. Large images gain nothing and would only be spread less evenly over the threads.
    """
    if shape is None or shape[0] * shape[1] > _SMALL_PIXELS:
        return 1
    return max(size for size in range(1, _LARGEST_PIECE + 1) if batch % size == 0)
