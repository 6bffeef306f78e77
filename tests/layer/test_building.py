"""Tests of building a layer from shapes, whether its class says how or leaves that to the first call."""

import keras
from keras import layers

from source.layer.building import build_from_call, build_from_shapes, builds_itself
from tests.layer.kinds import Scale, WithoutBuild


def test_a_layer_with_build_is_built_from_its_shapes():
    dense = layers.Dense(3)
    build_from_shapes(dense, {"input_shape": (None, 4)})
    assert dense.kernel.shape == (4, 3)
    attention = layers.MultiHeadAttention(2, 3)
    build_from_shapes(attention, {"shapes_dict": {"query_shape": (None, 5, 4), "value_shape": (None, 6, 7)}})
    assert [variable.shape for variable in attention.weights][:3:2] == [(4, 2, 3), (7, 2, 3)]


def test_a_built_layer_stays_as_it_is():
    dense = layers.Dense(3)
    dense.build((None, 4))
    kernel = dense.kernel
    build_from_shapes(dense, {"input_shape": (None, 9)})
    build_from_call(dense, (None, 9))
    assert dense.kernel is kernel


def test_a_layer_without_build_is_called():
    layer = WithoutBuild(name="it")
    build_from_shapes(layer, {"input_shape": (None, 5, 4)})
    assert layer.built and len(layer.weights) == 14


def test_a_layer_of_several_inputs_without_build_is_called_by_name():
    class Sum(layers.Layer):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(3)

        def call(self, first, second):
            return self.dense(first) + second["one"] + second["other"]

    layer, shape = Sum(), (None, 3)
    build_from_shapes(
        layer, {"shapes_dict": {"first_shape": (None, 5), "second_shape": {"one": shape, "other": shape}}}
    )
    assert layer.dense.kernel.shape == (5, 3)


def test_a_call_gives_the_shapes_of_all_arguments():
    layer = layers.MultiHeadAttention(2, 3)
    build_from_call(layer, ((None, 5, 4), (None, 6, 7)))
    assert layer.weights[2].shape == (7, 2, 3)
    bare = WithoutBuild()
    build_from_call(bare, (None, 5, 4))
    assert len(bare.weights) == 14


def test_whether_a_class_says_how_it_is_built():
    assert builds_itself(Scale()) and builds_itself(layers.Dense(3)) and builds_itself(keras.Sequential())
    assert not builds_itself(WithoutBuild())
