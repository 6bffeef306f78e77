"""Tests that CutMix replaces boxes, and that labels are mixed by what area is really replaced."""

import numpy as np
import pytest
import tensorflow as tf

from source.augmenter import _mixer, cutmix, random_key

HEIGHT, WIDTH = 24, 32


def batch(count: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns images whose pixels all hold the example's number, and these numbers as labels."""
    numbers = tf.range(count)
    pixels = tf.cast(numbers, tf.float32)[:, tf.newaxis, tf.newaxis, tf.newaxis]
    return tf.tile(pixels, (1, HEIGHT, WIDTH, 1)), numbers


def expected_box(share: float, key: tf.Tensor) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    spans = []
    for draw, edge in ((_mixer.FREE_DRAW, HEIGHT), (_mixer.FREE_DRAW + 1, WIDTH)):
        length = int(np.float32(edge) * np.sqrt(np.float32(1 - share)))
        centre = int(random_key.integer(key, draw, 0, edge))
        spans.append(slice(max(centre - length // 2, 0), min(centre + length // 2, edge)))
    mask[tuple(spans)] = True
    return mask


@pytest.mark.parametrize("per_example", [False, True])
def test_boxes_come_from_the_partner_and_labels_count_their_pixels(keys, per_example):
    images, labels = batch(12)
    mixer = cutmix.build(cutmix.Config(per_example=per_example))
    mixed, soft = mixer.augment_batch_labels(images, labels, keys, 12)
    shares = np.broadcast_to(_mixer.random_beta(keys[0], _mixer._SHARE, 1.0, 12 if per_example else 1), 12)
    partners = _mixer.random_partners(keys).numpy()
    for number in range(12):
        mask = expected_box(shares[number], keys[number if per_example else 0])
        np.testing.assert_array_equal(mixed[number, ..., 0], np.where(mask, partners[number], number))
        kept = np.float32(1) - np.float32(mask.sum()) / np.float32(HEIGHT * WIDTH)
        expected = np.zeros(12, np.float32)
        expected[number] += kept
        expected[partners[number]] += np.float32(1) - kept
        np.testing.assert_array_equal(soft[number], expected)


def test_labels_are_true_to_the_area_for_many_batches():
    images, labels = batch(8)
    mix = tf.function(lambda keys: cutmix.augment_batch_labels(images, labels, keys, 8))
    for epoch in range(30):
        mixed, soft = mix(random_key.fold(0, epoch, tf.range(8)))
        share_of = [np.mean(mixed.numpy() == number, axis=(1, 2, 3)) for number in range(8)]
        np.testing.assert_allclose(soft, np.stack(share_of, axis=1), atol=1e-7)  # float32 of a quotient


def test_half_of_the_batches_can_be_left_alone():
    images, labels = batch(4)
    mixer = cutmix.build(cutmix.Config(probability=0.0))
    mixed, soft = mixer.augment_batch_labels(images, labels, random_key.fold(0, 0, tf.range(4)), 4)
    np.testing.assert_array_equal(mixed, images)
    np.testing.assert_array_equal(soft, np.eye(4))
