"""Tests of what batch normalization has for each channel."""

from keras import layers

from tests.graph.channels.looks import made, sites_of


def test_scale_offset_and_statistics_belong_to_the_channels():
    model = made(layers.BatchNormalization(name="normal"))
    assert sites_of(model, "normal") == {
        "gamma 0": "made 0, made 1",
        "beta 0": "made 0, made 1",
        "moving_mean 0": "made 0, made 1",
        "moving_variance 0": "made 0, made 1",
    }


def test_without_scale_and_offset_there_are_statistics_alone():
    model = made(layers.BatchNormalization(scale=False, center=False, name="normal"))
    assert list(sites_of(model, "normal")) == ["moving_mean 0", "moving_variance 0"]


def test_over_another_axis_all_channels_of_a_place_are_one():
    model = made(layers.Permute((3, 1, 2)), layers.BatchNormalization(axis=1, name="normal"))
    assert sites_of(model, "normal")["gamma 0"] == "made 0, made 1"
