"""Tests of copies of models: exact, independent, with the layers in it that were asked for."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from source.config.errors import ConfigError
from source.layer.compressed import Compressed
from source.surgery.rewrite import clone, copy_variables, layers_of, pass_on, refuse_other_models, rewrite
from tests.layer.kinds import IMAGE, MODELS, Block, Half, arrays, batch_for, equal, made, named_weights


def copy_of(model: keras.Model) -> keras.Model:
    return rewrite(model, lambda layer: None)


@pytest.mark.parametrize("name", MODELS)
def test_a_copy_is_exact_and_independent(name):
    model = made(name)
    copied, batch = copy_of(model), batch_for(model)
    assert equal(copied(batch), model(batch))
    assert equal(copied.variables, model.variables)
    before = arrays(model.variables)
    assert {id(each) for each in copied.variables}.isdisjoint(id(each) for each in model.variables)
    for variable in copied.weights:
        variable.assign(ops.zeros_like(variable))
    assert equal(model.variables, before)


@pytest.mark.parametrize("name", ["dense", "nested", "shared", "residual", "sequential", "attention_by_name", "state"])
def test_names_shapes_and_types_stay(name):
    model = made(name)
    copied = copy_of(model)
    assert copied.name == model.name
    assert [layer.name for layer in layers_of(copied)] == [layer.name for layer in layers_of(model)]
    assert [(each.name, each.shape, each.dtype) for each in copied.inputs] == [
        (each.name, each.shape, each.dtype) for each in model.inputs
    ]
    assert [each.shape for each in copied.outputs] == [each.shape for each in model.outputs]
    assert named_weights(copied) == named_weights(model)


def test_the_structure_of_inputs_and_outputs_stays():
    inputs = {"a": keras.Input((2,), name="a"), "b": keras.Input((2,), name="b")}
    outputs = {"sum": layers.Add()([inputs["a"], inputs["b"]]), "rest": [layers.Dense(3)(inputs["a"])]}
    model = keras.Model(inputs, outputs)
    batch = {"a": np.ones((1, 2)), "b": np.ones((1, 2))}
    found = copy_of(model)(batch)
    assert set(found) == {"sum", "rest"} and isinstance(found["rest"], list)
    assert equal(found, model(batch))


def test_a_given_model_is_not_changed_and_a_copy_not_compiled():
    model = made("nested")
    model.compile("adam", "mse")
    model.fit(batch_for(model), np.zeros((3, 3)), verbose=0)
    config, state = model.get_config(), arrays([*model.variables, *model.optimizer.variables])
    copied = rewrite(model, lambda layer: Compressed(clone(layer), outputs=[Half()]) if layer.weights else None)
    assert model.get_config() == config
    assert equal([*model.variables, *model.optimizer.variables], state)
    assert model.compiled and not copied.compiled


def test_what_replaces_a_layer_stands_in_its_place():
    asked = []

    def replace(layer):
        asked.append(layer.name)
        return layers.Dense(7, name="other") if layer.name == "it" else None

    model = keras.Sequential([keras.Input((4,)), layers.Dense(3, name="it"), layers.Activation("relu", name="relu")])
    copied = rewrite(model, replace)
    assert asked == ["it", "relu"]
    assert copied.output.shape == (None, 7)


def test_a_shared_layer_is_asked_about_once_and_stays_shared():
    asked = []
    model = made("shared")
    copied = rewrite(model, lambda layer: asked.append(layer.name))
    assert asked.count("it") == 1
    assert len(copied.weights) == len(model.weights) == 2


def test_a_function_may_stand_in_the_place_of_a_layer():
    def twice(layer):
        return (lambda x, **kwargs: ops.relu(x) * 2.0) if layer.name == "dropout" else None

    model = made("dropout")
    batch = batch_for(model)
    assert equal(rewrite(model, twice)(batch), np.maximum(np.asarray(model(batch)), 0.0) * 2.0)


def test_operations_are_asked_about_when_that_is_wanted():
    asked = []
    rewrite(made("residual"), lambda each: asked.append(type(each).__name__), operations=True)
    assert {"Conv2D", "Add", "Relu", "Reshape"} <= set(asked)


def test_frozen_layers_stay_frozen():
    model = made("nested")
    deep = model.get_layer("inner").get_layer("deep")
    deep.trainable = False
    copied = copy_of(model)
    assert copied.trainable and not copied.get_layer("inner").get_layer("deep").trainable
    assert equal(copied.trainable_variables, model.trainable_variables)
    model.trainable = False
    assert copy_of(model).trainable_variables == []


def test_the_state_of_random_layers_is_copied():
    model = made("dropout")
    batch = batch_for(model)
    model(batch, training=True)
    copied = copy_of(model)
    assert equal(copied(batch, training=True), model(batch, training=True))


def test_types_of_layers_are_copied():
    x = keras.Input(IMAGE)
    y = layers.Conv2D(2, 3, dtype="mixed_bfloat16", name="half")(x)
    model = keras.Model(x, layers.Dense(2, dtype="float32", name="whole")(y))
    copied = copy_of(model)
    assert copied.get_layer("half").compute_dtype == "bfloat16" and copied.output.dtype == "float32"
    assert equal(copied(batch_for(model)), model(batch_for(model)))


def test_layers_are_listed_each_once_and_without_inputs():
    names = [layer.name for layer in layers_of(made("nested"))]
    assert names[:3] == ["deep", "norm", "low"] and names[3].startswith("dropout") and len(names) == 4


def test_a_model_copied_twice_is_the_same():
    model = made("without_build")
    assert equal(copy_of(copy_of(model))(batch_for(model)), model(batch_for(model)))


def test_adapted_layers_are_copied_with_what_they_know():
    normalization = layers.Normalization()
    normalization.adapt(np.random.default_rng(0).normal(3.0, 2.0, (50, 4)))
    model = keras.Sequential([keras.Input((4,)), normalization, layers.Dense(2)])
    assert equal(copy_of(model)(batch_for(model)), model(batch_for(model)))
    words = layers.TextVectorization(output_sequence_length=3)
    words.adapt(["a b c", "b c"])
    text = keras.Input((1,), dtype="string")
    model = keras.Model(text, layers.Embedding(9, 2)(words(text)))
    batch = ops.convert_to_tensor([["c a"], ["b z"]])
    assert equal(copy_of(model)(batch), model(batch))


class WithoutConfig(layers.Layer):
    def __init__(self, width):
        super().__init__(name="somebody")
        self.width = width

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], self.width))

    def call(self, x):
        return x @ self.kernel


class WrongConfig(WithoutConfig):
    def __init__(self, width=2, **kwargs):
        super().__init__(width)

    def get_config(self):
        return {}


def test_a_layer_without_configuration_is_refused_by_name():
    x = keras.Input((4,))
    with pytest.raises(
        ConfigError,
        match=r"(?s)Layer `somebody` \(WithoutConfig\) cannot be made from its configuration: .*"
        r"Give the class a `get_config` that returns the arguments of its constructor.",
    ):
        copy_of(keras.Model(x, WithoutConfig(3)(x)))


def test_a_layer_whose_configuration_leaves_something_out_is_refused_by_name():
    x = keras.Input((4,))
    with pytest.raises(
        ConfigError,
        match=r"Layer `somebody` \(WrongConfig\): a copy made from its configuration has other weights \(1 for 1\). "
        r"Let `get_config` return every argument of its constructor, and create its weights in `build`.",
    ):
        copy_of(keras.Model(x, WrongConfig(3)(x)))


def test_variables_are_copied_between_equal_layers_only():
    one, other = layers.Dense(3), layers.Dense(3)
    one.build((None, 4))
    other.build((None, 4))
    copy_variables(one, other)
    assert equal(other.weights, one.weights)
    with pytest.raises(ConfigError, match=r"has other weights \(0 for 2\)"):
        copy_variables(one, layers.Dense(3))


def test_a_model_written_as_a_class_is_refused_with_the_remedy():
    block = Block(name="block")
    with pytest.raises(
        ConfigError,
        match=r"Model `block` \(Block\) is written as a class, so its layers cannot be told apart. Wrap it, "
        r"`inputs = keras.Input\(...\); model = keras.Model\(inputs, model\(inputs\)\)`",
    ):
        copy_of(block)
    inputs = keras.Input((4,))
    model = keras.Model(inputs, block(inputs))
    assert equal(copy_of(model)(batch_for(model)), model(batch_for(model)))


def test_a_sequential_model_without_input_is_refused_with_the_remedy():
    model = keras.Sequential([layers.Dense(3)], name="bare")
    message = r"Model `bare` does not know its input yet. Call `model.build\(input_shape\)`, or begin it with"
    with pytest.raises(ConfigError, match=message):
        refuse_other_models(model)
    model.build((None, 4))
    assert equal(copy_of(model)(np.ones((2, 4))), model(np.ones((2, 4))))


def test_what_is_no_model_is_refused():
    with pytest.raises(ConfigError, match=r"Expected a keras.Model. Received: builtins.str."):
        refuse_other_models("model")

    class Legacy:
        __module__ = "tf_keras.src.engine.functional"

    with pytest.raises(
        ConfigError,
        match=r"Received: tf_keras.src.engine.functional.Legacy. Models of Keras 2 must be converted to Keras 3 first.",
    ):
        refuse_other_models(Legacy())


@pytest.mark.parametrize("name", ["dense", "lstm", "attention", "time_distributed", "without_build"])
def test_a_layer_is_cloned_with_its_weights(name):
    layer = made(name).get_layer("it")
    copied = clone(layer)
    assert copied is not layer and type(copied) is type(layer) and copied.name == layer.name
    assert equal(copied.weights, layer.weights)


def test_a_wrapped_layer_is_cloned_with_its_chains():
    layer = Compressed(layers.Dense(3, name="it"), weights={"kernel": [Half()]}, outputs=[Half()])
    layer(np.ones((1, 4)))
    layer.weight_chains["kernel"][0].factor.assign(5.0)
    copied = clone(layer)
    assert equal(copied(np.ones((1, 4))), layer(np.ones((1, 4))))
    assert [variable.path for variable in copied.weights][-2:] == ["it/kernel_half/factor", "it/output_half/factor"]


def test_what_passes_on_returns_what_it_is_given():
    assert pass_on(3, 4, mask=None) == 3
