"""Tests of the check of a network's inputs."""

import keras
import pytest

from source.config.errors import ConfigError
from source.network._inputs import require_images


def refused(shape, **conditions):
    with pytest.raises(ConfigError) as caught:
        require_images(keras.Input(shape), "tiny", **conditions)
    return str(caught.value)


def test_images_are_accepted():
    require_images(keras.Input((8, 8, 3)), "tiny", least_side=8, fixed_size=True)


def test_an_unknown_size_is_accepted_unless_it_has_to_be_known():
    require_images(keras.Input((None, None, 3)), "tiny", least_side=8)
    assert refused((None, 8, 3), fixed_size=True) == (
        "tiny: `inputs` must have a known height and width. Received: shape=(None, None, 8, 3)."
    )


def test_unknown_channels_are_refused():
    assert refused((8, 8, None)) == (
        "tiny: `inputs` must be images (b, h, w, c) with known channels. Received: shape=(None, 8, 8, None)."
    )


def test_small_images_are_refused():
    assert refused((8, 7, 3), least_side=8) == (
        "tiny: `inputs` must be at least 8 x 8 pixels. Received: shape=(None, 8, 7, 3)."
    )
