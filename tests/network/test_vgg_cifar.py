"""Tests of VGG for small images."""

import pytest

from source.config.errors import ConfigError
from source.network import vgg_cifar
from tests.network.counting import images, multiplications, total, trainable


def build(size=32, **settings):
    return vgg_cifar.build(vgg_cifar.Config(**settings), images(size, size, 3))


# Without biases before batch normalisation: VGG-16 has 14,728,266 with those 4,224.
@pytest.mark.parametrize(
    ("depth", "parameters", "statistics", "macs"),
    [
        (11, 9_228_362, 5_504, 152_769_536),
        (13, 9_413_066, 5_888, 228_267_008),
        (16, 14_724_042, 8_448, 313_201_664),
        (19, 20_035_018, 11_008, 398_136_320),
    ],
)
def test_every_depth_has_its_counts(depth, parameters, statistics, macs):
    model = build(depth=depth)
    assert model.name == f"vgg{depth}_cifar"
    assert sum("_conv" in layer.name for layer in model.layers) == depth - 3
    assert trainable(model) == parameters
    assert total(model) == parameters + statistics
    assert multiplications(model) == macs


def test_dropout_is_left_out_unless_asked_for():
    assert "logits_dropout" not in [layer.name for layer in build().layers]
    assert build(dropout=0.3).get_layer("logits_dropout").rate == 0.3


def test_other_depths_are_refused():
    with pytest.raises(ConfigError, match=r"depth: .*11, 13, 16 or 19.*17"):
        vgg_cifar.Config(depth=17)


def test_an_image_that_five_poolings_would_use_up_is_refused():
    with pytest.raises(ConfigError, match="vgg_cifar: `inputs` must be at least 32 x 32 pixels"):
        build(31)
