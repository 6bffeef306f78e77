"""Tests that windows, mirrors and sizes are where the draws of a key put them."""

import numpy as np
import pytest
import tensorflow as tf

from source.augmenter import _geometry, random_key


def expected_window(image: np.ndarray, key: tf.Tensor, height: int, width: int, pad: int, flip: bool) -> np.ndarray:
    """Returns the window of one image by slices, from the same draws."""
    lacking = [max(height - image.shape[0], 0), max(width - image.shape[1], 0)]
    margins = [(pad + less // 2, pad + less - less // 2) for less in lacking]
    padded = np.pad(image, [*margins, (0, 0)])
    top = int(random_key.integer(key, 0, 0, padded.shape[0] - height + 1))
    left = int(random_key.integer(key, 1, 0, padded.shape[1] - width + 1))
    window = padded[top : top + height, left : left + width]
    return window[:, ::-1] if flip and int(random_key.integer(key, 2, 0, 2)) else window


@pytest.mark.parametrize(
    ("height", "width", "pad", "flip"),
    [(32, 32, 4, True), (32, 32, 4, False), (24, 20, 0, True), (32, 32, 0, True), (35, 40, 2, True)],
)
def test_windows_equal_slices_of_the_padded_image(images, keys, height, width, pad, flip):
    expected = [expected_window(image, key, height, width, pad, flip) for image, key in zip(images, keys, strict=True)]
    result = _geometry.random_crop_and_flip(tf.constant(images), keys, height, width, pad, flip)
    assert result.dtype == tf.uint8
    np.testing.assert_array_equal(result, expected)


def test_windows_of_images_whose_size_is_only_known_when_running(images, keys):
    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3), tf.uint8)])
    def crop(batch):
        return _geometry.random_crop_and_flip(batch, keys, 36, 28, 3, True)

    expected = _geometry.random_crop_and_flip(tf.constant(images), keys, 36, 28, 3, True)
    np.testing.assert_array_equal(crop(images), expected)


def test_without_anything_to_draw_the_images_come_back(images, keys):
    same = _geometry.random_crop_and_flip(tf.constant(images), keys, 32, 32, 0, False)
    np.testing.assert_array_equal(same, images)


def test_every_window_and_both_directions_are_drawn_evenly():
    count = 20_000
    positions = tf.reshape(tf.range(1, 10, dtype=tf.int32), (1, 3, 3, 1))
    keys = random_key.fold(0, 0, tf.range(count))
    windows = _geometry.random_crop_and_flip(tf.tile(positions, (count, 1, 1, 1)), keys, 2, 2).numpy()
    corners, counts = np.unique(windows[:, 0, :, 0], axis=0, return_counts=True)
    assert len(corners) == 8  # four windows, each in two directions
    chi2 = np.sum((counts - count / 8) ** 2 / (count / 8))
    assert chi2 < 24.3  # 99.9 % quantile of chi-squared with 7 degrees of freedom


def test_the_centre_is_cropped_or_padded():
    image = tf.reshape(tf.cast(tf.range(1, 26), tf.uint8), (5, 5, 1))
    np.testing.assert_array_equal(_geometry.central_crop_or_pad(image, 2, 3)[..., 0], [[7, 8, 9], [12, 13, 14]])
    padded = _geometry.central_crop_or_pad(image, 8, 5)[..., 0].numpy()
    np.testing.assert_array_equal(padded, np.pad(image[..., 0], [(1, 2), (0, 0)]))
    assert _geometry.central_crop_or_pad(image[tf.newaxis], 7, 7).shape == (1, 7, 7, 1)


@pytest.mark.parametrize(
    ("size", "side", "expected"),
    [((48, 64), 24, (24, 32)), ((64, 48), 96, (128, 96)), ((30, 41), 20, (20, 27)), ((2, 3), 5, (5, 8))],
)
def test_the_shorter_side_is_resized_to_what_is_wanted(size, side, expected):
    image = tf.zeros((*size, 3))
    assert _geometry.resize_shorter_side(image, side, antialias=False).shape == (*expected, 3)
    dynamic = tf.function(
        lambda x, s: tf.shape(_geometry.resize_shorter_side(x, s, antialias=True)),
        input_signature=[tf.TensorSpec((None, None, 3)), tf.TensorSpec((), tf.int32)],
    )
    assert dynamic(image, side).numpy().tolist() == [*expected, 3]
