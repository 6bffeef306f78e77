"""Tests of reductions over places and over channels."""

import pytest
from keras import layers, ops

from tests.graph.channels.looks import groups_of, made, output_of


@pytest.mark.parametrize(
    "reduce",
    [
        lambda x: ops.mean(x, axis=(1, 2)),
        lambda x: ops.max(x, axis=1, keepdims=True),
        lambda x: ops.sum(ops.transpose(x, (0, 3, 1, 2)), axis=-1),
        lambda x: ops.moments(x, axes=(1, 2))[1],
    ],
)
def test_over_places_channels_are_left(reduce):
    assert output_of(made(reduce)) == "made 0, made 1"


@pytest.mark.parametrize("axis", [-1, None, (2, 3)])
def test_over_channels_they_stay(axis):
    model = made(lambda x: ops.mean(x, axis=axis, keepdims=True), layers.Flatten(), layers.Dense(1))
    assert groups_of(model)[0] == "made: 2 | `mean` makes one of all of them"
