"""Tests that RandAugment draws and applies the operations that its keys say."""

import numpy as np
import pytest
import tensorflow as tf

from source.augmenter import _operations, randaugment, random_key
from source.config.errors import ConfigError


def only(*operations: str, **fields) -> randaugment.Config:
    """Returns settings that apply one of some operations and do nothing else."""
    defaults = {"num_operations": 1, "pad": 0, "flip": False, "normalization": "none"}
    return randaugment.Config(**{**defaults, "operations": operations, **fields})


def augmented(config: randaugment.Config, image: np.ndarray, key: tf.Tensor) -> np.ndarray:
    height, width = image.shape[:2]
    return randaugment.build(config).augment(image, height, width, is_training=True, key=key).numpy()


def sign_of(key: tf.Tensor, number: int = 0) -> float:
    return 2.0 * int(random_key.integer(key, 4 + 2 * number, 0, 2)) - 1.0


# What each operation does at magnitude 15 (level 1/2) of 48x64 pixels, for a sign.
AT_HALF = {
    "identity": lambda x, s: x,
    "autocontrast": lambda x, s: _operations.autocontrast(x),
    "equalize": lambda x, s: _operations.equalize(x),
    "rotate": lambda x, s: _operations.rotate(x, s * 15.0, "nearest", 128.0),
    "solarize": lambda x, s: _operations.solarize(x, 128),
    "color": lambda x, s: _operations.color(x, 1 + s * 0.45),
    "posterize": lambda x, s: _operations.posterize(x, 6),
    "contrast": lambda x, s: _operations.contrast(x, 1 + s * 0.45),
    "brightness": lambda x, s: _operations.brightness(x, 1 + s * 0.45),
    "sharpness": lambda x, s: _operations.sharpness(x, 1 + s * 0.45),
    "shear_x": lambda x, s: _operations.affine(x, [1, s * 0.15, 0, 0, 1, 0], "nearest", 128.0),
    "shear_y": lambda x, s: _operations.affine(x, [1, 0, 0, s * 0.15, 1, 0], "nearest", 128.0),
    "translate_x": lambda x, s: _operations.affine(x, [1, 0, s * 75 / 331 * 64, 0, 1, 0], "nearest", 128.0),
    "translate_y": lambda x, s: _operations.affine(x, [1, 0, 0, 0, 1, s * 75 / 331 * 48], "nearest", 128.0),
}


def test_there_are_the_papers_fourteen_operations():
    assert tuple(AT_HALF) == randaugment.OPERATIONS
    assert len(randaugment.OPERATIONS) == 14


@pytest.mark.parametrize("name", randaugment.OPERATIONS)
def test_an_operation_gets_its_share_of_the_magnitude_and_its_sign(name, smooth, keys):
    signs = set()
    for key in keys[:4]:
        signs.add(sign_of(key))
        result = augmented(only(name, magnitude=15.0), smooth, key)
        expected = AT_HALF[name](tf.constant(smooth), sign_of(key)).numpy()
        # The factor is a float32 sum here and a float64 one there: one code where a product is almost whole.
        assert np.abs(result - expected).max() <= 1
        assert np.mean(result != expected) < 0.01
    assert signs == {-1.0, 1.0}


def test_operations_follow_each_other_with_draws_of_their_own(smooth, keys):
    names = ("solarize", "posterize", "autocontrast", "equalize")
    config = only(*names, num_operations=3, magnitude=15.0)
    chosen = set()
    for key in keys:
        expected = tf.constant(smooth)
        for number in range(3):
            name = names[int(random_key.integer(key, 3 + 2 * number, 0, 4))]
            chosen.add((number, name))
            expected = AT_HALF[name](expected, sign_of(key, number))
        np.testing.assert_array_equal(augmented(config, smooth, key), expected)
    assert len(chosen) > 8


@pytest.mark.parametrize("name", sorted({*randaugment.OPERATIONS} - {"autocontrast", "equalize"}))
def test_magnitude_zero_changes_nothing(name, smooth, keys):
    np.testing.assert_array_equal(augmented(only(name, magnitude=0.0), smooth, keys[0]), smooth)


def test_pixels_stay_codes_until_they_are_normalised(images, keys):
    config = randaugment.Config(normalization="none", num_operations=4, magnitude=25.0)
    result = np.stack([augmented(config, image, key) for image, key in zip(images, keys, strict=True)])
    assert result.min() >= 0 and result.max() <= 255
    np.testing.assert_array_equal(result, np.round(result))


def test_without_operations_it_only_crops_and_mirrors(images, keys):
    config = randaugment.Config(num_operations=0, normalization="none")
    padded = np.pad(images[0], [(4, 4), (4, 4), (0, 0)])
    top, left = (int(random_key.integer(keys[0], draw, 0, 9)) for draw in (0, 1))
    window = padded[top : top + 32, left : left + 32]
    expected = window[:, ::-1] if int(random_key.integer(keys[0], 2, 0, 2)) else window
    np.testing.assert_array_equal(augmented(config, images[0], keys[0]), expected)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"num_operations": -1}, "`num_operations` must be at least 0"),
        ({"magnitude": 31.0}, "`magnitude` must be from 0 to 30"),
        ({"fill": 300.0}, "`fill` must be from 0 to 255"),
        ({"pad": -1}, "`pad` must be at least 0"),
        ({"operations": ()}, "`operations` must be at least one"),
        ({"operations": ("rotat",)}, "`operations` has an unknown `rotat`. Did you mean `rotate`"),
    ],
)
def test_impossible_settings_are_refused(fields, message):
    with pytest.raises(ConfigError, match=message):
        randaugment.Config(**fields)
