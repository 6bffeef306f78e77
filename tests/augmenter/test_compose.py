"""Tests that a composed augmenter forwards to its parts."""

import numpy as np
import pytest
import tensorflow as tf

from source.augmenter import cifar_augmenter, compose, cutmix, mixup, random_key, vgg_augmenter
from source.config.errors import ConfigError, UnknownNameError


def test_images_go_through_the_augmenter(images, keys):
    augmenter = compose.build(compose.Config(augmenter_options={"pad": 2}))
    part = cifar_augmenter.build(cifar_augmenter.Config(pad=2))
    result = augmenter.augment_batch(images, 32, 32, is_training=True, keys=keys)
    np.testing.assert_array_equal(result, part.augment_batch(images, 32, 32, is_training=True, keys=keys))
    np.testing.assert_array_equal(augmenter.preprocess(images, 30, 30), part.preprocess(images, 30, 30))


def test_the_batch_form_is_there_exactly_when_the_augmenter_has_it():
    assert hasattr(compose.build(), "augment_batch")
    assert not hasattr(compose.build(compose.Config(augmenter="vgg_augmenter")), "augment_batch")
    assert not hasattr(vgg_augmenter.build(), "augment_batch")


def test_each_batch_goes_through_one_mixer_drawn_by_its_key(images):
    options = {"mixup": {"alpha": 2.0}}
    augmenter = compose.build(compose.Config(batch_augmenter_options=options))
    mixers = [mixup.build(mixup.Config(alpha=2.0)), cutmix.build()]
    pixels, labels = tf.cast(images, tf.float32), tf.range(12)
    data = tf.data.Dataset.range(8).map(lambda epoch: random_key.fold(0, epoch, tf.range(12)))
    data = data.map(lambda keys: (keys, augmenter.augment_batch_labels(pixels, labels, keys, 12)))
    drawn = set()
    for keys, (mixed, soft) in data:
        choice = int(random_key.integer(keys[0], compose._CHOICE, 0, 2))
        drawn.add(choice)
        expected = mixers[choice].augment_batch_labels(pixels, labels, keys, 12)
        np.testing.assert_array_equal(mixed, expected[0])
        np.testing.assert_array_equal(soft, expected[1])
    assert drawn == {0, 1}


def test_one_mixer_or_none(images, keys):
    pixels, labels = tf.cast(images, tf.float32), tf.range(12)
    one = compose.build(compose.Config(batch_augmenters=("mixup",)))
    expected = mixup.augment_batch_labels(pixels, labels, keys, 12)
    for part, result in zip(expected, one.augment_batch_labels(pixels, labels, keys, 12), strict=True):
        np.testing.assert_array_equal(result, part)
    none = compose.build(compose.Config(batch_augmenters=()))
    mixed, soft = none.augment_batch_labels(pixels, labels, keys, 12)
    np.testing.assert_array_equal(mixed, pixels)
    np.testing.assert_array_equal(soft, np.eye(12))


def test_parts_that_cannot_be_are_refused():
    with pytest.raises(UnknownNameError, match="augmenter `cifar_augmentor`: no plugin has this name"):
        compose.build(compose.Config(augmenter="cifar_augmentor"))
    with pytest.raises(ConfigError, match=r"`augmenter` must augment images. Received: augmenter='mixup'"):
        compose.build(compose.Config(augmenter="mixup"))
    with pytest.raises(ConfigError, match=r"`batch_augmenters` must mix whole batches. Received: 'vgg_augmenter'"):
        compose.build(compose.Config(batch_augmenters=("vgg_augmenter",)))
    with pytest.raises(ConfigError, match="`batch_augmenter_options` names `mixip`, which is not among"):
        compose.Config(batch_augmenter_options={"mixip": {}})
    with pytest.raises(ConfigError, match=r"batch_augmenter_options.mixup.alph: unknown setting"):
        compose.build(compose.Config(batch_augmenter_options={"mixup": {"alph": 1.0}}))
