"""Tests that the VGG augmentation resizes, crops and mirrors by its draws."""

import numpy as np
import pytest
import tensorflow as tf

from source.augmenter import random_key, vgg_augmenter
from source.config.errors import ConfigError

MEAN = np.float32([123.68, 116.78, 103.94])


def bilinear(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Returns the bilinear resizing with half-pixel centres and no antialiasing, in float64."""
    for axis, size in enumerate((height, width)):
        length = image.shape[axis]
        position = np.clip((np.arange(size) + 0.5) * length / size - 0.5, 0, length - 1)
        lower = np.floor(position).astype(int)
        upper = np.minimum(lower + 1, length - 1)
        weight = (position - lower).reshape([-1 if axis == number else 1 for number in range(3)])
        image = np.take(image, lower, axis) * (1 - weight) + np.take(image, upper, axis) * weight
    return image


def by_formula(image: np.ndarray, key: tf.Tensor, output: int, sides: tuple[int, int]) -> np.ndarray:
    side = int(random_key.integer(key, 3, sides[0], sides[1] + 1))
    shorter = min(image.shape[:2])
    height, width = (int(np.floor(edge * side / shorter + 0.5)) for edge in image.shape[:2])
    resized = bilinear(image.astype(np.float64), height, width)
    top = int(random_key.integer(key, 0, 0, height - output + 1))
    left = int(random_key.integer(key, 1, 0, width - output + 1))
    window = resized[top : top + output, left : left + output]
    return (window[:, ::-1] if int(random_key.integer(key, 2, 0, 2)) else window) - MEAN


@pytest.mark.parametrize("sides", [(40, 60), (24, 30)])
def test_training_is_scale_crop_mirror_and_mean(smooth, keys, sides):
    config = vgg_augmenter.Config(resize_side_min=sides[0], resize_side_max=sides[1])
    augmenter = vgg_augmenter.build(config)
    for key in keys[:6]:
        result = augmenter.augment(smooth, 24, 24, is_training=True, key=key)
        # Interpolation weights are float32 on positions up to 80: 80 * 6e-8 times steps of up to 30 codes.
        np.testing.assert_allclose(result, by_formula(smooth, key, 24, sides), atol=1e-3)


def test_every_side_is_drawn(smooth):
    keys = random_key.fold(0, 0, tf.range(300))
    sides = random_key.integer(keys, 3, 256, 512 + 1).numpy()
    assert sides.min() >= 256 and sides.max() <= 512
    assert len(np.unique(random_key.integer(keys, 3, 256, 260))) == 4


def test_evaluation_is_smallest_side_centre_and_mean(smooth):
    augmenter = vgg_augmenter.build(vgg_augmenter.Config(resize_side_min=36, resize_side_max=36))
    resized = bilinear(smooth.astype(np.float64), 36, 48)
    expected = resized[3:33, 11:37] - MEAN
    np.testing.assert_allclose(augmenter.preprocess(smooth, 30, 26), expected, atol=1e-3)  # as in training


def test_small_images_are_enlarged(images, keys):
    assert vgg_augmenter.preprocess(images, 224, 224).shape == (12, 224, 224, 3)
    assert vgg_augmenter.augment(images[0], 224, 224, is_training=True, key=keys[0]).shape == (224, 224, 3)


def test_antialias_smoothes_what_is_shrunk(images):
    plain = vgg_augmenter.Config(resize_side_min=8, resize_side_max=8)
    smoothed = vgg_augmenter.Config(resize_side_min=8, resize_side_max=8, antialias=True)
    spread = [np.std(vgg_augmenter.build(config).preprocess(images[0], 8, 8)) for config in (plain, smoothed)]
    assert spread[1] < 0.7 * spread[0]  # noise averaged over 4x4 pixels instead of 2x2


def test_an_output_larger_than_the_smallest_side_is_refused(images, keys):
    message = "`resize_side_min` must be at least the larger side of the output, 300. Received: resize_side_min=256"
    with pytest.raises(ConfigError, match=message):
        vgg_augmenter.preprocess(images, 224, 300)
    with pytest.raises(ConfigError, match=message):
        vgg_augmenter.augment(images[0], 300, 224, is_training=True, key=keys[0])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"resize_side_min": 0}, "`resize_side_min` must be positive. Received: resize_side_min=0"),
        ({"resize_side_max": 9}, "`resize_side_max` must be at least resize_side_min=256"),
    ],
)
def test_impossible_settings_are_refused(fields, message):
    with pytest.raises(ConfigError, match=message):
        vgg_augmenter.Config(**fields)
