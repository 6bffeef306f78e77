"""Tests that the Inception augmentation takes boxes and changes colours by its draws."""

import colorsys

import numpy as np
import pytest
import tensorflow as tf

from source.augmenter import _color, inception_augmenter, random_key
from source.config.errors import ConfigError

PLAIN = {"color": False, "resize_methods": ("nearest",), "flip": False, "normalization": "none"}


def box_of(key: tf.Tensor, image: np.ndarray) -> tuple[int, int, int, int]:
    """Returns top, left, height and width of the box, from TensorFlow's own operation and the key's pair."""
    begin, size, _ = tf.image.stateless_sample_distorted_bounding_box(
        image.shape,
        tf.constant([[[0.0, 0.0, 1.0, 1.0]]]),
        seed=random_key.seed_pair(key, 1),
        min_object_covered=0.1,
        aspect_ratio_range=(0.75, 1.33),
        area_range=(0.05, 1.0),
        max_attempts=100,
        use_image_if_no_bounding_boxes=True,
    )
    return (*begin.numpy()[:2].tolist(), *size.numpy()[:2].tolist())


def nearest(image: np.ndarray, height: int, width: int) -> np.ndarray:
    rows = np.floor((np.arange(height) + 0.5) * image.shape[0] / height).astype(int)
    columns = np.floor((np.arange(width) + 0.5) * image.shape[1] / width).astype(int)
    return image[rows][:, columns]


def test_training_takes_the_box_of_the_key(smooth, keys):
    augmenter = inception_augmenter.build(inception_augmenter.Config(**PLAIN))
    for key in keys[:6]:
        top, left, height, width = box_of(key, smooth)
        expected = nearest(smooth[top : top + height, left : left + width], 20, 25)
        result = augmenter.augment(smooth, 20, 25, is_training=True, key=key)
        np.testing.assert_allclose(result, expected, atol=4e-5)  # to the scale of 1 and back in float32


def test_boxes_keep_area_and_aspect(smooth):
    keys = random_key.fold(1, 0, tf.range(60))
    boxes = np.array([box_of(key, smooth)[2:] for key in keys])
    area = boxes.prod(axis=1) / (48 * 64)
    aspect = boxes[:, 1] / boxes[:, 0]
    # Heights and widths are whole pixels; the smallest boxes are about 12 pixels wide: 1/12 either way.
    assert area.min() > 0.05 * (1 - 2 / 12) and area.max() <= 1
    assert aspect.min() > 0.75 * (1 - 1 / 12) and aspect.max() < 1.33 * (1 + 1 / 12)
    assert area.min() < 0.2 and area.max() > 0.6


def test_mirror_and_method_have_draws_of_their_own(smooth, keys):
    for key in keys[:6]:
        config = inception_augmenter.Config(**{**PLAIN, "flip": True})
        result = inception_augmenter.build(config).augment(smooth, 20, 25, is_training=True, key=key).numpy()
        plain = inception_augmenter.build(inception_augmenter.Config(**PLAIN))
        unflipped = plain.augment(smooth, 20, 25, is_training=True, key=key).numpy()
        mirrored = int(random_key.integer(key, 0, 0, 2))
        np.testing.assert_array_equal(result, unflipped[:, ::-1] if mirrored else unflipped)


def test_one_of_the_four_resize_methods_is_drawn(smooth, keys):
    both = inception_augmenter.build(
        inception_augmenter.Config(**{**PLAIN, "resize_methods": inception_augmenter.RESIZE_METHODS})
    )
    drawn = set()
    for key in keys:
        method = inception_augmenter.RESIZE_METHODS[int(random_key.integer(key, 2, 0, 4))]
        drawn.add(method)
        one = inception_augmenter.build(inception_augmenter.Config(**{**PLAIN, "resize_methods": (method,)}))
        expected = one.augment(smooth, 20, 25, is_training=True, key=key)
        np.testing.assert_array_equal(both.augment(smooth, 20, 25, is_training=True, key=key), expected)
    assert drawn == set(inception_augmenter.RESIZE_METHODS)


def change(image: np.ndarray, name: str, amount: float) -> np.ndarray:
    """Returns one change of colour in float64, pixel by pixel for those in HSV."""
    if name == "brightness":
        return image + amount
    if name == "contrast":
        mean = image.mean(axis=(0, 1))
        return (image - mean) * amount + mean
    changed = np.empty_like(image)
    for position in np.ndindex(image.shape[:2]):
        hue, saturation, value = colorsys.rgb_to_hsv(*image[position])
        hue = (hue + amount) % 1.0 if name == "hue" else hue
        saturation = min(saturation * amount, 1.0) if name == "saturation" else saturation
        changed[position] = colorsys.hsv_to_rgb(hue, saturation, value)
    return changed


RANGES = _color.ColorRanges(brightness=(0.0, 0.1), saturation=(0.5, 1.5), hue=(-0.2, 0.2), contrast=(0.9, 1.1))


def test_colours_change_in_the_order_that_is_drawn(smooth, keys):
    image = (smooth[::6, ::8] / 255.0 * 0.4 + 0.3).astype(np.float32)  # away from 0 and 1: HSV wants positive
    seen = set()
    for key in keys:
        order = _color.COLOR_ORDERS[int(random_key.integer(key, 3, 0, 4))]
        seen.add(order)
        expected = image.astype(np.float64)
        for name in order:
            draw = 4 + RANGES._fields.index(name)
            expected = change(expected, name, float(random_key.uniform(key, draw, *getattr(RANGES, name))))
        result = _color.distort_colors(tf.constant(image), key, 3, RANGES)
        np.testing.assert_allclose(result, expected, atol=1e-5)  # four float32 steps and two HSV round trips
    assert seen == set(_color.COLOR_ORDERS)


def test_one_channel_changes_in_brightness_and_contrast_only(keys):
    image = tf.constant(np.random.default_rng(2).uniform(0.3, 0.7, (5, 5, 1)).astype(np.float32))
    delta = float(random_key.uniform(keys[0], 4, *RANGES.brightness))
    factor = float(random_key.uniform(keys[0], 7, *RANGES.contrast))
    mean = float(tf.reduce_mean(image))
    result = _color.distort_colors(image, keys[0], 3, RANGES)
    np.testing.assert_allclose(result, (image - mean) * factor + mean + delta, atol=1e-6)  # float32


def test_results_lie_between_minus_one_and_one(images, keys):
    results = [
        inception_augmenter.augment(image, 32, 32, is_training=True, key=key)
        for image, key in zip(images, keys, strict=True)
    ]
    assert np.min(results) == -1.0 and np.max(results) == 1.0


def test_evaluation_is_the_central_part_resized(smooth):
    config = inception_augmenter.Config(normalization="none")
    result = inception_augmenter.build(config).preprocess(smooth, 42, 56)
    np.testing.assert_array_equal(result, smooth[3:45, 4:60])  # 48 * 0.875 = 42, 64 * 0.875 = 56
    symmetric = inception_augmenter.preprocess(smooth, 42, 56)
    np.testing.assert_allclose(symmetric, smooth[3:45, 4:60] / 127.5 - 1, atol=2e-7)  # float32 near 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"min_object_covered": 1.5}, "`min_object_covered` must be from 0 to 1"),
        ({"aspect_low": 2.0}, "`aspect_low` must be above 0, at most aspect_high"),
        ({"area_low": 0.0}, "`area_low` must be above 0, at most area_high"),
        ({"area_high": 1.5}, "`area_high` must be at most 1"),
        ({"max_attempts": 0}, "`max_attempts` must be at least 1"),
        ({"brightness": -0.1}, "`brightness` must be at least 0"),
        ({"hue": 0.7}, "`hue` must be from 0 to 0.5"),
        ({"saturation_low": 2.0}, "`saturation_low` must be at least 0, at most saturation_high=1.5"),
        ({"contrast_low": -1.0}, "`contrast_low` must be at least 0, at most contrast_high=1.5"),
        ({"central_fraction": 0.0}, "`central_fraction` must be above 0, at most 1"),
        ({"resize_methods": ()}, "`resize_methods` must be at least one"),
        (
            {"resize_methods": ("bilinea",)},
            "`resize_methods` has an unknown `bilinea`. Did you mean `bilinear`",
        ),
    ],
)
def test_impossible_settings_are_refused(fields, message):
    with pytest.raises(ConfigError, match=message):
        inception_augmenter.Config(**fields)
