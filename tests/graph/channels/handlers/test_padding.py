"""Tests of padding, by layers and by an operation."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from source.graph.channel_groups import channel_groups
from source.surgery.channels import remove_channels
from tests.graph.channels.looks import groups_of, made, output_of, steps


@pytest.mark.parametrize(
    ("widths", "output"),
    [
        (((0, 0), (1, 2), (0, 0)), "made 0, made 1"),
        (((0, 0), (0, 0), (1, 2)), "-, made 0, made 1, -, -"),
    ],
)
def test_new_channels_are_nobody_s(widths, output):
    assert output_of(steps(lambda x: ops.pad(x, widths))) == output


def test_a_layer_that_pads_places_passes_channels_on():
    assert output_of(made(layers.ZeroPadding2D())) == "made 0, made 1"


def test_a_layer_that_is_told_of_channels_first_pads_them():
    pad = layers.ZeroPadding2D(((0, 0), (1, 2)), data_format="channels_first")
    assert output_of(made(pad)) == "-, made 0, made 1, -, -"


def test_other_constants_than_zeros_stay():
    def filled(x: keras.KerasTensor) -> keras.KerasTensor:
        y = layers.Conv2D(3, 1, name="branch")(x)
        return layers.Add()([y, ops.pad(x, ((0, 0), (0, 0), (0, 0), (0, 1)), constant_values=1.0)])

    assert groups_of(made(filled, layers.Conv2D(1, 1, name="read")))[:2] == [
        "branch + made: 2",
        "branch: 1 | `pad` puts constants there",
    ]


def test_zeros_go_with_the_channels_that_they_are_added_to():
    def shortcut(x: keras.KerasTensor) -> keras.KerasTensor:
        y = layers.Conv2D(5, 1, name="branch")(x)
        pad = layers.ZeroPadding2D(((0, 0), (1, 2)), data_format="channels_first", name="pad")
        return layers.Add()([y, pad(x)])

    model = made(shortcut, layers.Conv2D(1, 1, name="read"))
    groups = channel_groups(model)
    assert groups_of(model)[:2] == ["branch + made: 2", "branch: 3"]
    both, alone = groups.prunable[:2]
    smaller = remove_channels(model, groups, np.asarray([both.channels[0], alone.channels[0], alone.channels[2]]))
    assert smaller.get_layer("pad").padding == ((0, 0), (0, 1))
    assert [smaller.get_layer(name).filters for name in ("made", "branch")] == [1, 2]


def test_channels_that_are_repeated_stay():
    model = steps(lambda x: ops.pad(x, ((0, 0), (0, 0), (1, 1)), mode="reflect"), layers.Dense(1))
    assert groups_of(model)[0] == "made: 2 | `pad` repeats some of them"
