"""Tests of padding by an operation."""

import pytest
from keras import layers, ops

from tests.graph.channels.looks import groups_of, output_of, steps


@pytest.mark.parametrize(
    ("widths", "output"),
    [
        (((0, 0), (1, 2), (0, 0)), "made 0, made 1"),
        (((0, 0), (0, 0), (1, 2)), "-, made 0, made 1, -, -"),
    ],
)
def test_new_channels_are_nobody_s(widths, output):
    assert output_of(steps(lambda x: ops.pad(x, widths))) == output


def test_channels_that_are_repeated_stay():
    model = steps(lambda x: ops.pad(x, ((0, 0), (0, 0), (1, 1)), mode="reflect"), layers.Dense(1))
    assert groups_of(model)[0] == "made: 2 | `pad` repeats some of them"
