"""Tests of `source.graph.wiring`."""

import keras
import pytest
from keras import layers, ops

from source.graph.wiring import Wiring


@pytest.fixture(scope="module")
def model() -> keras.Model:
    inputs = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(4, 3, padding="same", name="first")(inputs)
    shared = layers.Conv2D(4, 3, padding="same", name="shared")
    y = shared(x)
    z = shared(y) + x
    nested = keras.Sequential([keras.Input((8, 8, 4)), layers.ReLU(name="inner")], name="nested")
    pooled = layers.GlobalAveragePooling2D(name="pool")(nested(z))
    return keras.Model(inputs, {"logits": layers.Dense(2, name="logits")(pooled), "pooled": pooled})


@pytest.fixture(scope="module")
def wiring(model) -> Wiring:
    return Wiring(model)


def names(operations) -> list[str]:
    return [operation.name for operation in operations]


def test_consumers_are_listed_once_for_each_use(wiring):
    assert names(wiring.consumers("image")) == ["first"]
    assert names(wiring.consumers("first")) == ["shared", "add"]
    assert names(wiring.consumers("shared")) == ["shared", "add"]
    assert names(wiring.consumers("logits")) == []


def test_producers_stand_in_the_order_of_the_arguments(wiring):
    assert names(wiring.producers("add")) == ["shared", "first"]
    assert names(wiring.producers("image")) == []


def test_a_nested_model_is_one_operation(wiring):
    assert names(wiring.consumers("add")) == ["nested"]
    assert names(wiring.consumers("nested")) == ["pool"]
    assert "inner" not in wiring.operations


def test_outputs_and_shared_layers_are_known(wiring):
    assert [name for name in wiring.operations if wiring.is_output(name)] == ["pool", "logits"]
    assert [name for name in wiring.operations if wiring.is_shared(name)] == ["shared"]


def test_the_only_consumer_is_that_of_unshared_operations_whose_output_nobody_else_sees(wiring):
    assert wiring.only_consumer("add").name == "nested"
    assert wiring.only_consumer("first") is None  # two consumers
    assert wiring.only_consumer("shared") is None  # called twice
    assert wiring.only_consumer("pool") is None  # an output of the model
    assert wiring.only_consumer("logits") is None  # nobody


def test_operations_are_those_of_the_model(model, wiring):
    assert wiring.operations["first"] is model.get_layer("first")


def test_sequential_models_have_wirings_too():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3, name="a"), layers.ReLU(name="b")])
    assert names(Wiring(model).consumers("a")) == ["b"]
    assert Wiring(model).is_output("b")


def test_tensors_in_lists_and_keywords_are_found():
    inputs = keras.Input((4, 6), name="x")
    attention = layers.MultiHeadAttention(2, 3, name="attention")(query=inputs, value=inputs)
    joined = layers.Concatenate(name="joined")([attention, inputs])
    wiring = Wiring(keras.Model(inputs, ops.mean(joined, axis=1)))
    assert names(wiring.consumers("x")) == ["attention", "attention", "joined"]
    assert names(wiring.producers("joined")) == ["attention", "x"]


def test_keyword_arguments_of_every_call_are_listed():
    inputs, norm = keras.Input((4,)), layers.BatchNormalization(name="norm")
    wiring = Wiring(keras.Model(inputs, norm(norm(inputs), training=True)))
    assert [call.get("training") for call in wiring.keyword_arguments("norm")] == [None, True]
