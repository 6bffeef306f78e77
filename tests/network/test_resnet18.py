"""Tests of ResNet-18."""

import numpy as np
import pytest

from source.config.errors import ConfigError
from source.network import resnet18
from tests.network.counting import images, multiplications, total, trainable


def build(size, **settings):
    return resnet18.build(resnet18.Config(**settings), images(size, size, 3))


def test_the_counts_on_imagenet_are_those_of_torchvision():
    model = build(224, num_classes=1000)
    assert trainable(model) == 11_689_512
    assert total(model) == 11_689_512 + 2 * 4_800
    assert multiplications(model) == 1_814_073_344


def test_the_counts_with_the_stem_for_small_images():
    model = build(32, stem="cifar")
    assert trainable(model) == 11_173_962
    assert multiplications(model) == 555_422_720


def test_the_counts_of_the_imagenet_stem_on_a_small_image():
    model = build(32, num_classes=100)
    assert trainable(model) == 11_227_812
    assert multiplications(model) == 37_062_656


@pytest.mark.parametrize("padding", ["symmetric", "same"])
def test_an_image_of_224_ends_as_7_by_7(padding):
    model = build(224, padding=padding)
    assert model.get_layer("stem_pool").output.shape == (None, 56, 56, 64)
    assert model.get_layer("stage4_block2_relu2").output.shape == (None, 7, 7, 512)


def test_the_pooling_of_the_stem_never_returns_its_padding():
    model = build(32)
    x = np.random.default_rng(0).normal(size=(1, 32, 32, 3)).astype("float32")
    stem = model.get_layer("stem_relu").output
    pooled = model.get_layer("stem_pool").output
    before, after = type(model)(model.input, [stem, pooled]).predict(x, verbose=0)
    # Windows of 3x3 at every second pixel, cut at the edges instead of padded.
    expected = [
        [before[0, max(0, 2 * i - 1) : 2 * i + 2, max(0, 2 * j - 1) : 2 * j + 2].max((0, 1)) for j in range(8)]
        for i in range(8)
    ]
    assert np.array_equal(after[0], np.array(expected))


def test_an_unknown_stem_is_refused():
    with pytest.raises(ConfigError, match=r"stem: expected 'imagenet' or 'cifar'\. Received: 'imagenett'"):
        resnet18.Config(stem="imagenett")
