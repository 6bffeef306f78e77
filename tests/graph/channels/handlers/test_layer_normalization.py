"""Tests of normalization over all channels."""

import pytest
from keras import layers

from tests.graph.channels.looks import groups_of, made, sites_of, steps

DOUBT = "`normal` normalizes over all of them: without some, the others change"


def test_scale_and_offset_belong_to_channels_and_what_stays_changes():
    model = steps(layers.LayerNormalization(name="normal"), layers.Dense(1))
    assert sites_of(model, "normal") == {"gamma 0": "made 0, made 1", "beta 0": "made 0, made 1"}
    assert groups_of(model)[0] == f"made: 2 | {DOUBT}"


def test_root_mean_squares_have_a_scale_alone():
    model = steps(layers.RMSNormalization(name="normal"), layers.Dense(1))
    assert sites_of(model, "normal") == {"scale 0": "made 0, made 1"}


@pytest.mark.parametrize("axis", [1, [1, 2, 3]])
def test_over_other_axes_channels_stay(axis):
    model = made(layers.LayerNormalization(axis=axis, name="normal"), layers.Conv2D(1, 1))
    assert sites_of(model, "normal") == {}
    assert groups_of(model)[0] == f"made: 2 | `normal` normalizes over other axes than that of channels | {DOUBT}"
