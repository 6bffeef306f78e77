"""Tests of groups of channels that are normalized together."""

import pytest
from keras import layers

from tests.graph.channels.looks import groups_of, made, sites_of


@pytest.mark.parametrize("groups", [-1, 2])
def test_with_a_group_for_each_channel_all_are_free(groups):
    model = made(layers.GroupNormalization(groups, name="normal"), layers.Conv2D(1, 1))
    assert sites_of(model, "normal") == {"gamma 0": "made 0, made 1", "beta 0": "made 0, made 1"}
    assert groups_of(model)[0] == "made: 2"


def test_groups_lose_the_same_place_and_what_stays_changes():
    model = made(layers.GroupNormalization(2, scale=False, name="normal"), layers.Conv2D(1, 1), filters=4)
    assert sites_of(model, "normal") == {"beta 0": "made 0, made 1, made 0, made 1"}
    assert groups_of(model)[0] == "made: 2 | `normal` normalizes over groups of them: without some, the others change"
