"""Tests that RandAugment's operations give what Pillow gives, code by code."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageEnhance, ImageOps

from source.augmenter import _operations


@pytest.fixture(name="pictures")
def _pictures(images, smooth) -> list[np.ndarray]:
    """Returns a noisy, a smooth, a dark, a constant and a two-valued picture."""
    two = np.where(smooth > 127, 200, 40).astype(np.uint8)
    return [images[0], smooth, smooth // 3 + 20, np.full((9, 7, 3), 31, np.uint8), two]


def codes_apart(result: tf.Tensor, expected: Image.Image) -> np.ndarray:
    assert result.dtype == tf.uint8
    return np.abs(result.numpy().astype(int) - np.asarray(expected).astype(int))


def test_equalize_is_pillows(pictures):
    for picture in pictures:
        expected = ImageOps.equalize(Image.fromarray(picture))
        assert codes_apart(_operations.equalize(tf.constant(picture)), expected).max() == 0


def test_autocontrast_is_pillows(pictures):
    for picture in pictures:
        expected = ImageOps.autocontrast(Image.fromarray(picture))
        # Pillow multiplies by a rounded 255 / (high - low), and so may fall one code below an exact quotient.
        assert codes_apart(_operations.autocontrast(tf.constant(picture)), expected).max() <= 1


def test_autocontrast_fills_the_range_exactly():
    picture = tf.constant([[[10], [20], [30]]], tf.uint8)
    assert _operations.autocontrast(picture).numpy().ravel().tolist() == [0, 127, 255]


@pytest.mark.parametrize("threshold", [0, 1, 128, 255, 256])
def test_solarize_is_pillows(pictures, threshold):
    for picture in pictures:
        expected = ImageOps.solarize(Image.fromarray(picture), threshold)
        assert codes_apart(_operations.solarize(tf.constant(picture), threshold), expected).max() == 0


@pytest.mark.parametrize("bits", range(1, 9))
def test_posterize_is_pillows(pictures, bits):
    for picture in pictures:
        expected = ImageOps.posterize(Image.fromarray(picture), bits)
        assert codes_apart(_operations.posterize(tf.constant(picture), bits), expected).max() == 0


@pytest.mark.parametrize("factor", [0.0, 0.1, 0.73, 1.0, 1.27, 1.9])
@pytest.mark.parametrize(
    ("operation", "enhancement"),
    [
        (_operations.color, ImageEnhance.Color),
        (_operations.contrast, ImageEnhance.Contrast),
        (_operations.brightness, ImageEnhance.Brightness),
        (_operations.sharpness, ImageEnhance.Sharpness),
    ],
)
def test_enhancements_are_pillows(pictures, operation, enhancement, factor):
    for picture in pictures:
        expected = enhancement(Image.fromarray(picture)).enhance(factor)
        apart = codes_apart(operation(tf.constant(picture), factor), expected)
        # Both truncate a float32 sum, which compilers may round once or twice: one code, in few pixels.
        assert apart.max() <= 1
        assert np.mean(apart > 0) < 0.01


@pytest.mark.parametrize(
    "coefficients",
    [
        (1.0, 0.27, 0.0, 0.0, 1.0, 0.0),
        (1.0, -0.11, 0.0, 0.0, 1.0, 0.0),
        (1.0, 0.0, 0.0, 0.19, 1.0, 0.0),
        (1.0, 0.0, 5.3, 0.0, 1.0, 0.0),
        (1.0, 0.0, 0.0, 0.0, 1.0, -7.8),
        (0.9, 0.2, 1.1, -0.1, 1.2, -3.3),
    ],
)
def test_affine_takes_the_pixels_that_pillow_takes(pictures, coefficients):
    for picture in pictures:
        source = Image.fromarray(picture)
        expected = source.transform(
            source.size, Image.Transform.AFFINE, coefficients, Image.Resampling.NEAREST, fillcolor=(9, 9, 9)
        )
        apart = codes_apart(_operations.affine(tf.constant(picture), list(coefficients), "nearest", 9.0), expected)
        # Where a coordinate falls on the middle between two pixels, float32 may decide otherwise.
        assert np.mean(apart.max(axis=-1) > 0) < 0.02


@pytest.mark.parametrize("degrees", [-30.0, -9.0, 13.0, 27.0])
def test_rotate_turns_as_pillow_does(pictures, degrees):
    for picture in pictures:
        expected = Image.fromarray(picture).rotate(degrees, Image.Resampling.NEAREST, fillcolor=(9, 9, 9))
        apart = codes_apart(_operations.rotate(tf.constant(picture), degrees, "nearest", 9.0), expected)
        assert np.mean(apart.max(axis=-1) > 0) < 0.02  # as for `affine`


def test_rotate_by_a_quarter_moves_the_corner_counter_clockwise():
    picture = np.arange(1, 10, dtype=np.uint8).reshape(3, 3, 1)
    turned = _operations.rotate(tf.constant(picture), 90.0, "nearest", 0.0)
    np.testing.assert_array_equal(turned[..., 0], np.rot90(picture[..., 0]))


def test_bilinear_interpolation_halves_between_two_pixels():
    picture = tf.constant([[[0], [100], [200]]], tf.uint8)
    moved = _operations.affine(picture, [1.0, 0.0, 0.5, 0.0, 1.0, 0.0], "bilinear", 0.0)
    assert moved.numpy().ravel().tolist()[:2] == [50, 150]


@pytest.mark.parametrize("channels", [1, 4])
def test_pictures_without_three_channels_have_no_colour_to_change(channels):
    picture = tf.constant(np.random.default_rng(1).integers(0, 256, (6, 6, channels), np.uint8))
    np.testing.assert_array_equal(_operations.color(picture, 0.3), picture)
    mean = np.floor(picture.numpy().mean() + 0.5)
    np.testing.assert_array_equal(_operations.contrast(picture, 0.0), np.full((6, 6, channels), mean))


def test_sharpness_leaves_pictures_without_inner_pixels():
    picture = tf.constant([[[1], [200]]], tf.uint8)
    np.testing.assert_array_equal(_operations.sharpness(picture, 0.0), picture)
