"""Tests of the calls of a model, in order."""

import keras
import pytest
from keras import layers

from source.config.errors import ConfigError
from source.graph.trace import trace
from tests.layer.kinds import Block


def paths(model: keras.Model) -> list[str]:
    return [step.path for step in trace(model).steps]


def small(name: str = "small") -> keras.Model:
    inputs = keras.Input((3,))
    return keras.Model(inputs, layers.ReLU(name="relu")(layers.Dense(2, name="dense")(inputs)), name=name)


def test_calls_stand_after_those_that_they_need():
    model = small()
    found = trace(model)
    assert [step.path for step in found.steps] == ["dense", "relu"]
    assert [step.operation for step in found.steps] == model.layers[1:]
    assert found.steps[0].inputs == found.inputs
    assert found.steps[1].inputs == found.steps[0].outputs
    assert found.steps[1].outputs == found.outputs


def test_a_sequential_model_is_followed():
    assert paths(keras.Sequential([keras.Input((3,)), layers.Dense(2, name="dense")])) == ["dense"]


def test_calls_of_nested_models_stand_in_their_place():
    inputs = keras.Input((3,))
    inner = small("inner")
    model = keras.Model(inputs, layers.Dense(1, name="last")(inner(inputs)))
    found = trace(model)
    assert [step.path for step in found.steps] == ["inner", "inner/dense", "inner/relu", "inner", "last"]
    begin, _, relu, end, _ = found.steps
    assert begin.entered is inner and begin.operation is None
    assert begin.args == found.inputs
    assert end.entered is None and end.args == relu.outputs


def test_a_shared_layer_has_a_call_for_each_time():
    inputs = keras.Input((3,))
    dense = layers.Dense(3, name="dense")
    model = keras.Model(inputs, dense(dense(inputs)))
    first, second = trace(model).steps
    assert first.operation is second.operation is dense
    assert second.inputs == first.outputs


def test_inputs_and_outputs_are_flat():
    inputs = {"a": keras.Input((3,), name="a"), "b": keras.Input((2,), name="b")}
    model = keras.Model(inputs, {"x": [inputs["a"] + 1.0], "y": inputs["b"]})
    found = trace(model)
    assert [tensor.shape for tensor in found.inputs] == [(None, 3), (None, 2)]
    assert found.outputs[1] is found.inputs[1]


def test_other_shapes_may_be_asked_about():
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, layers.MaxPooling2D()(inputs))
    assert trace(model, [(8, 6, 3)]).outputs[0].shape == (None, 4, 3, 3)
    assert trace(model).outputs[0].shape == (None, None, None, 3)


def test_shapes_for_all_inputs_or_none():
    with pytest.raises(ConfigError, match=r"input_shapes: expected 1 shapes\. Received: 2\."):
        trace(small(), [(3,), (3,)])


def test_the_model_is_not_touched():
    model = small()
    before = model.get_config()
    trace(model)
    assert model.get_config() == before


def test_models_written_as_classes_are_refused():
    class Written(keras.Model):
        """One layer."""

        def call(self, x):
            return x

    with pytest.raises(ConfigError, match=r"Model `\w+` \(Written\) cannot be looked at: expected a functional"):
        trace(Written())


def test_a_layer_with_layers_in_it_is_one_call():
    inputs = keras.Input((4,))
    model = keras.Model(inputs, Block(name="block")(inputs))
    assert paths(model) == ["block"]
