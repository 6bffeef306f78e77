"""Tests that the CIFAR augmentation is its formula, in every combination of its parts."""

import numpy as np
import pytest
import tensorflow as tf

from source.augmenter import cifar_augmenter, random_key
from source.config.errors import ConfigError

OFF = {"pad": 0, "flip": False, "brightness": 0.0, "contrast_low": 1.0, "contrast_high": 1.0}


def by_formula(image: np.ndarray, key: tf.Tensor, brightness: float, low: float, high: float) -> np.ndarray:
    """Returns the default augmentation of a 32x32 image, in float64 from the draws of the key."""
    top, left = (int(random_key.integer(key, draw, 0, 9)) for draw in (0, 1))
    window = np.pad(image, [(4, 4), (4, 4), (0, 0)])[top : top + 32, left : left + 32]
    if int(random_key.integer(key, 2, 0, 2)):
        window = window[:, ::-1]
    light = window + float(random_key.uniform(key, 3, -brightness, brightness))
    mean = light.mean(axis=(0, 1))
    light = (light - mean) * float(random_key.uniform(key, 4, low, high)) + mean
    return (light - light.mean()) / max(light.std(), 1 / np.sqrt(light.size))


def test_defaults_are_pad_crop_mirror_brightness_contrast_and_standardisation(images, keys):
    result = cifar_augmenter.augment_batch(images, 32, 32, is_training=True, keys=keys)
    expected = [by_formula(image, key, 63.0, 0.2, 1.8) for image, key in zip(images, keys, strict=True)]
    # Pixels up to 500 are rounded to 3e-5 four times, then divided by deviations of 15 and more.
    np.testing.assert_allclose(result, expected, atol=1e-5)


def test_with_crop_mirror_and_statistics_only_no_light_changes(images, keys):
    config = cifar_augmenter.Config(
        brightness=0.0,
        contrast_low=1.0,
        contrast_high=1.0,
        normalization="mean_std",
        mean=(120.0,),
        std=(64.0,),
    )
    result = cifar_augmenter.build(config).augment_batch(images, 32, 32, is_training=True, keys=keys)
    known = {0.0, *images.astype(np.float32).ravel()}
    assert set((result * 64.0 + 120.0).numpy().ravel()) <= known


def test_with_everything_off_training_is_evaluation(images, keys):
    augmenter = cifar_augmenter.build(cifar_augmenter.Config(**OFF, normalization="none"))
    trained = augmenter.augment_batch(images, 32, 32, is_training=True, keys=keys)
    np.testing.assert_array_equal(trained, images)
    np.testing.assert_array_equal(augmenter.preprocess(images, 32, 32), images)


@pytest.mark.parametrize(
    ("part", "draw"), [({"brightness": 63.0}, 3), ({"contrast_low": 0.5, "contrast_high": 1.5}, 4)]
)
def test_each_light_has_its_own_draw(images, keys, part, draw):
    config = cifar_augmenter.Config(**{**OFF, **part}, normalization="none")
    result = cifar_augmenter.build(config).augment(images[0], 32, 32, is_training=True, key=keys[0]).numpy()
    pixels = images[0].astype(np.float64)
    if draw == 3:
        expected = pixels + float(random_key.uniform(keys[0], 3, -63.0, 63.0))
    else:
        mean = pixels.mean(axis=(0, 1))
        expected = (pixels - mean) * float(random_key.uniform(keys[0], 4, 0.5, 1.5)) + mean
    np.testing.assert_allclose(result, expected, atol=1e-4)  # float32 rounds sums up to 500 to 3e-5


def test_switching_a_part_off_leaves_the_draws_of_the_others(images, keys):
    quiet = cifar_augmenter.build(cifar_augmenter.Config(**{**OFF, "pad": 4}, normalization="none"))
    bright = cifar_augmenter.build(
        cifar_augmenter.Config(**{**OFF, "pad": 4, "brightness": 63.0}, normalization="none")
    )
    first = quiet.augment(images[0], 32, 32, is_training=True, key=keys[0]).numpy()
    second = bright.augment(images[0], 32, 32, is_training=True, key=keys[0]).numpy()
    difference = second - first
    assert difference.max() - difference.min() < 1e-4  # one delta everywhere; float32 sums up to 320


@pytest.mark.parametrize("normalization", ["per_image", "mean_std", "unit", "symmetric", "none"])
def test_every_normalisation_has_the_same_bits_for_a_batch_in_a_dataset(images, keys, normalization):
    augmenter = cifar_augmenter.build(
        cifar_augmenter.Config(**{**OFF, "pad": 4, "flip": True}, normalization=normalization)
    )
    single = [
        augmenter.augment(image, 32, 32, is_training=True, key=key) for image, key in zip(images, keys, strict=True)
    ]
    data = tf.data.Dataset.from_tensor_slices((images, keys)).batch(12)
    data = data.map(lambda x, k: augmenter.augment_batch(x, 32, 32, is_training=True, keys=k))
    np.testing.assert_array_equal(next(iter(data)), single)


def test_small_images_are_padded_centrally_and_large_ones_cropped(images):
    augmenter = cifar_augmenter.build(cifar_augmenter.Config(normalization="none"))
    padded = augmenter.preprocess(images[0], 40, 37)
    np.testing.assert_array_equal(padded, np.pad(images[0], [(4, 4), (2, 3), (0, 0)]))
    np.testing.assert_array_equal(augmenter.preprocess(images, 28, 30), images[:, 2:30, 1:31])


@pytest.mark.parametrize("size", [(40, 50), (20, 24)])
def test_training_takes_images_of_any_size(images, keys, size):
    result = cifar_augmenter.augment(images[0], *size, is_training=True, key=keys[0])
    assert result.shape == (*size, 3)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"pad": -1}, "`pad` must be at least 0. Received: pad=-1."),
        ({"brightness": -1.0}, "`brightness` must be at least 0. Received: brightness=-1.0."),
        ({"contrast_low": -0.5}, "`contrast_low` must be at least 0. Received: contrast_low=-0.5."),
        (
            {"contrast_high": 0.1},
            "`contrast_high` must be at least contrast_low=0.2. Received: contrast_high=0.1.",
        ),
        ({"brightnes": 3.0}, "brightnes: unknown setting. Did you mean `brightness`"),
    ],
)
def test_impossible_settings_are_refused(fields, message):
    with pytest.raises(ConfigError, match=message):
        cifar_augmenter.Config(**fields)
