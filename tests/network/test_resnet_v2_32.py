"""Tests of the pre-activation bottleneck network."""

import keras

from source.network import resnet_v2_32
from tests.network.counting import images, multiplications, total, trainable


def build(**settings):
    return resnet_v2_32.build(resnet_v2_32.Config(**settings), images(32, 32, 3))


def test_the_counts():
    model = build()
    assert trainable(model) == 500_394
    assert total(model) == 500_394 + 6_752
    assert multiplications(model) == 193_382_912


def test_the_last_unit_of_a_stage_halves_the_image():
    model = build()
    sides = {
        (stage, unit): model.get_layer(f"stage{stage}_unit{unit}_add").output.shape[1]
        for stage in (1, 2, 3)
        for unit in range(1, 6)
    }
    assert {place for place, side in sides.items() if side == 32} == {
        *((1, unit) for unit in range(1, 6)),
        *((2, unit) for unit in range(1, 5)),
    }
    assert [sides[2, 5], sides[3, 4], sides[3, 5]] == [16, 16, 8]


def test_it_is_47_layers_deep():
    on_the_path = [
        layer.name
        for layer in build().layers
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense) and "shortcut" not in layer.name
    ]
    assert len(on_the_path) == 47


def test_convolutions_have_a_bias_where_no_normalisation_follows():
    model = build()
    biased = {layer.name for layer in model.layers if isinstance(layer, keras.layers.Conv2D) and layer.use_bias}
    units = [f"stage{stage}_unit{unit}_conv3" for stage in (1, 2, 3) for unit in range(1, 6)]
    assert biased == {"stem_conv", *units, *(f"stage{stage}_unit1_shortcut_conv" for stage in (1, 2, 3))}


def test_batch_normalisation_is_as_published_unless_set():
    assert build().get_layer("last_norm").momentum == 0.997
    assert build().get_layer("last_norm").epsilon == 1e-5
    assert build(batch_norm_momentum=0.9).get_layer("stage1_unit1_norm0").momentum == 0.9
