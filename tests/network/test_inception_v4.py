"""Tests of Inception-v4."""

import pytest

from source.config.errors import ConfigError
from source.network import inception_v4
from tests.network.counting import images, multiplications, total, trainable


def build(size, **settings):
    return inception_v4.build(inception_v4.Config(**settings), images(size, size, 3))


@pytest.fixture(scope="module")
def large():
    return build(299, num_classes=1000)


@pytest.fixture(scope="module")
def small():
    return build(75)


def test_the_counts_are_the_published_ones(large):
    # 42,679,816 is what PyTorch Image Models counts at 1000 classes, scales of batch normalisation included.
    assert trainable(large) == 42_679_816
    assert total(large) == 42_679_816 + 63_168
    assert multiplications(large) == 12_253_974_624


def test_shapes_are_those_of_the_figures(large):
    names = ("stem6_concat", "block_a4_concat", "reduction_a_concat", "block_b7_concat", "reduction_b_concat")
    assert [large.get_layer(name).output.shape[1:] for name in (*names, "block_c3_concat")] == [
        (35, 35, 384),
        (35, 35, 384),
        (17, 17, 1024),
        (17, 17, 1024),
        (8, 8, 1536),
        (8, 8, 1536),
    ]


def test_there_are_149_convolutions(small):
    assert sum("_conv" in layer.name for layer in small.layers) == 149


def test_four_fifths_of_the_features_are_kept(small):
    assert small.get_layer("logits_dropout").rate == 0.2
    assert "logits_dropout" not in [layer.name for layer in build(75, dropout=0.0).layers]


def test_an_image_that_the_strides_would_use_up_is_refused(small):
    assert small.get_layer("block_c3_concat").output.shape == (None, 1, 1, 1536)
    with pytest.raises(ConfigError, match="inception_v4: `inputs` must be at least 75 x 75 pixels"):
        build(74)
