"""Tests of slopes and scales that each channel has one of."""

import keras
import pytest
from keras import layers

from source.graph.channel_groups import channel_groups
from source.graph.channels.handlers.channel_vector import HANDLER
from tests.graph.channels.looks import made, sites_of


@pytest.mark.parametrize(
    ("shared", "sites"),
    [
        (None, {"alpha 2": "made 0, made 1"}),
        ([1, 2], {"alpha 2": "made 0, made 1"}),
        ([1, 2, 3], {}),
    ],
)
def test_slopes_belong_to_channels_unless_they_are_shared(shared, sites):
    assert sites_of(made(layers.PReLU(shared_axes=shared, name="slope")), "slope") == sites


def test_slopes_lie_where_channels_do():
    model = made(layers.Permute((3, 1, 2)), layers.PReLU(shared_axes=[2, 3], name="slope"))
    assert sites_of(model, "slope") == {"alpha 0": "made 0, made 1"}


def test_a_scale_of_keras_applications_says_how_many_there_are():
    model = keras.applications.ConvNeXtTiny(weights=None, include_top=False, input_shape=(32, 32, 3))
    groups = channel_groups(model)
    [step] = [each for each in groups.trace.steps if each.path == "convnext_tiny_stage_0_block_0_layer_scale"]
    assert [site.axis for site in groups.sites if site.path == step.path] == [0]
    tenth = groups.channels_of(groups.flow.of(step.outputs[0])).ravel()[10]
    settings = HANDLER.changed(step, groups.flow, lambda labels: groups.channels_of(labels) >= tenth)
    assert settings == {"projection_dim": 86}
