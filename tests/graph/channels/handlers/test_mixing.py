"""Tests of operations in which channels meet others."""

import pytest
from keras import layers, ops

from tests.graph.channels.looks import groups_of, steps


@pytest.mark.parametrize(
    ("operation", "name"),
    [
        (lambda x: ops.matmul(ops.transpose(x, (0, 2, 1)), x), "matmul"),
        (lambda x: ops.einsum("btc,btd->bcd", x, x), "einsum"),
        (lambda x: ops.sort(x, axis=1), "sort"),
        (lambda x: ops.cumsum(x, axis=1), "cumsum"),
    ],
)
def test_all_channels_stay(operation, name):
    assert groups_of(steps(operation, layers.Dense(1, name="read")))[0] == f"made: 2 | `{name}` mixes them"
