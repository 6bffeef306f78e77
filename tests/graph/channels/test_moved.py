"""Tests of where operations put channels."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from source.graph.channels.flow import Flow
from source.graph.channels.moved import kept_lengths, moved
from source.graph.trace import trace


def called(operation, *shape: int | None):
    """Returns the call of an operation on a tensor of three channels, and what is known of it."""
    inputs = keras.Input((*shape, 3))
    step = trace(keras.Model(inputs, operation(inputs))).steps[-1]
    flow = Flow()
    flow.put_channels(step.inputs[0], flow.classes.fresh(3))
    return step, flow


def test_numbers_are_labels():
    [labels] = moved(*called(layers.Flatten(), 2))
    assert labels.tolist() == [0, 1, 2, 0, 1, 2]


@pytest.mark.parametrize("operation", [
    lambda x: ops.transpose(x, (0, 2, 1)),
    layers.Permute((2, 1)),
])  # fmt: skip
def test_a_length_that_is_free_may_not_matter(operation):
    [labels] = moved(*called(operation, None))
    assert labels.tolist() == [[0], [1], [2]]


@pytest.mark.parametrize("operation", [
    lambda x: ops.reshape(x, (-1, 24)),  # fits a length of 8 alone
    lambda x: ops.reshape(x, (-1, 3, 7)),  # fits none
    lambda x: x[:, 50:],  # nothing is left of either
])  # fmt: skip
def test_a_length_that_is_free_may_matter(operation):
    assert moved(*called(operation, None)) is None


@pytest.mark.parametrize(("given", "lengths"), [((4, 3), (4, 2)), ((-1, -1), (-1, 2))])
def test_lengths_of_what_is_kept(given, lengths):
    step, flow = called(layers.ReLU(), 4)
    assert kept_lengths(step.inputs[0], flow, lambda labels: np.asarray(labels) != 1, given) == lengths
