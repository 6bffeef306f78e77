"""Tests that mixup blends images and labels with the same shares."""

import numpy as np
import pytest
import tensorflow as tf

from source.augmenter import _mixer, mixup


@pytest.mark.parametrize("per_example", [False, True])
def test_images_and_labels_are_blended_with_the_drawn_share(images, keys, per_example):
    pixels = images.astype(np.float32) / 255
    labels = np.arange(12) % 5
    config = mixup.Config(alpha=0.7, per_example=per_example)
    mixed, soft = mixup.build(config).augment_batch_labels(pixels, labels, keys, 5)
    share = _mixer.random_beta(keys[0], _mixer._SHARE, 0.7, 12 if per_example else 1).numpy()
    partners = _mixer.random_partners(keys).numpy()
    weight = share.reshape(-1, 1, 1, 1)
    np.testing.assert_array_equal(mixed, weight * pixels + (1 - weight) * pixels[partners])
    one_hot = np.eye(5, dtype=np.float32)[labels]
    weight = share.reshape(-1, 1)
    np.testing.assert_array_equal(soft, weight * one_hot + (1 - weight) * one_hot[partners])
    assert len(np.unique(share)) == (12 if per_example else 1)


def test_the_default_share_is_the_papers_for_imagenet():
    assert mixup.Config().alpha == 0.2


def test_labels_that_are_mixed_already_can_be_mixed_again(images, keys):
    pixels = tf.cast(images, tf.float32)
    _, once = mixup.augment_batch_labels(pixels, tf.range(12), keys, 12)
    _, twice = mixup.augment_batch_labels(pixels, once, keys, 12)
    np.testing.assert_allclose(tf.reduce_sum(twice, axis=1), np.ones(12), atol=3e-7)  # four float32 roundings
