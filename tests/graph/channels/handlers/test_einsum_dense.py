"""Tests of the channels of dense layers that are written as sums."""

import pytest
from keras import layers

from source.graph.channels.handlers.einsum_dense import letters
from tests.graph.channels.looks import groups_of, output_of, sites_of, steps


def einsum(equation: str, shape, bias: str | None = None) -> layers.EinsumDense:
    return layers.EinsumDense(equation, shape, bias_axes=bias, name="einsum")


@pytest.mark.parametrize(
    ("layer", "sites"),
    [
        (
            einsum("abc,cd->abd", (None, 1), "d"),
            {"kernel 0": "made 0, made 1", "kernel 1": "einsum 0", "bias 0": "einsum 0"},
        ),
        (einsum("...x,xy->...y", 1), {"kernel 0": "made 0, made 1", "kernel 1": "einsum 0"}),
        (
            einsum("abc,cde->abde", (None, 3, 1), "de"),
            {"kernel 0": "made 0, made 1", "kernel 2": "einsum 0", "bias 1": "einsum 0"},
        ),
        (einsum("abc,bd->adc", (2, 2)), {}),
        (einsum("abc,c->abc", (3, 2), "c"), {"kernel 0": "made 0, made 1", "bias 0": "made 0, made 1"}),
    ],
)
def test_sites_follow_the_letters(layer, sites):
    assert sites_of(steps(layer), "einsum") == sites


def test_channels_that_only_pass_come_out():
    assert output_of(steps(einsum("abc,bd->adc", (2, 2)))) == "made 0, made 1"


def test_channels_elsewhere_in_the_equation_stay():
    assert groups_of(steps(einsum("abc,cd->adb", (1, 3)), layers.Dense(1)))[0] == (
        "made: 2 | `einsum` has them at several places of its equation"
    )
    assert groups_of(steps(layers.Permute((2, 1)), einsum("abc,cd->abd", (None, 2))))[0].startswith(
        "made: 2 | `einsum` takes channels that are not along the last axis"
    )


def test_letters_of_an_equation():
    assert letters("... x, x y -> ... y") == ("x", "xy", "y")
