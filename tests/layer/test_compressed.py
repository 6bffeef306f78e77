"""Tests of the wrapper: identical chains change nothing, whatever is wrapped; others reach what they name."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from source.config.errors import ConfigError
from source.layer.compressed import (
    Compressed,
    compressed_layers,
    placed_transformations,
    through,
    transformations_of,
)
from source.layer.fake_quantize import FakeQuantize
from source.layer.mask import Mask
from source.layer.transformation import Transformation
from source.surgery.rewrite import rewrite
from source.surgery.wrap import wrapped
from tests.layer.kinds import (
    MODELS,
    Half,
    Same,
    Seen,
    arrays,
    batch_for,
    equal,
    made,
    named_weights,
    seen_through,
)

WITH_STATE = ("dropout", "noise", "batch_norm", "nested", "class_as_layer", "attention_by_name")
# It assigns to the weights that it trains.
TRAINABLE = [name for name in MODELS if name != "spectral_norm"]


@pytest.mark.parametrize("name", TRAINABLE)
def test_identical_chains_change_nothing(name):
    model = made(name)
    prepared, batch = seen_through(Same, model), batch_for(model)
    assert equal(prepared(batch), model(batch))
    for _ in range(2):
        found, expected = step(prepared, batch), step(model, batch)
        for part in ("outputs", "losses", "gradients", "states"):
            assert equal(found[part], expected[part]), part
    assert len(expected["gradients"]) == len(model.trainable_variables)


@pytest.mark.parametrize("name", WITH_STATE)
def test_states_change_in_training(name):
    model = made(name)
    prepared = seen_through(Same, model)
    before = arrays(prepared.non_trainable_variables)
    prepared(batch_for(model))
    assert equal(before, prepared.non_trainable_variables)
    prepared(batch_for(model), training=True)
    assert not equal(before, prepared.non_trainable_variables)


@pytest.mark.parametrize("name", [name for name in MODELS if name != "lambda"])
def test_saving_and_loading_keeps_outputs_weights_and_paths(name, tmp_path):
    prepared = seen_through(Half, made(name))
    batch = batch_for(prepared)
    prepared.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert equal(loaded(batch), prepared(batch))
    assert equal(loaded.weights, prepared.weights)
    assert named_weights(loaded) == named_weights(prepared)
    for one, other in zip(compressed_layers(loaded), compressed_layers(prepared), strict=True):
        assert one.get_config()["paths"] == other.get_config()["paths"]
        assert [(place, type(each)) for place, each in one.transformations()] == [
            (place, type(each)) for place, each in other.transformations()
        ]


@pytest.mark.parametrize("name", ["dense", "attention", "time_distributed", "stacked_cells", "separable2d"])
def test_paths_of_variables_are_the_same_in_a_second_build(name):
    first, second = (named_weights(seen_through(Same, fresh(name))) for _ in range(2))
    assert first == second
    assert len(set(first)) == len(first)
    assert any(path.startswith("it/") and path.endswith("kernel_same/factor") for path in first)


@pytest.mark.parametrize("name", ["conv2d", "lstm", "attention", "shared", "residual", "embedding", "batch_norm"])
def test_compiled_steps_give_what_plain_ones_give(name):
    model = made(name)
    losses = []
    for each in (model, seen_through(Same, model)):
        batch = batch_for(each)
        targets = keras.tree.map_structure(np.zeros_like, arrays(each(batch)))
        each.compile("sgd", "mse", jit_compile=True)
        losses.append(each.train_on_batch(batch, targets[0] if len(targets) == 1 else targets))
    # XLA may fuse the two differently: an ulp of sums over a few hundred terms.
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


@pytest.mark.parametrize("name", ["dense", "conv2d", "lstm", "attention", "batch_norm", "embedding"])
def test_chains_see_float32_in_mixed_precision_and_outputs_keep_their_type(name, mixed_bfloat16):
    model = made(name)
    prepared, batch = seen_through(Seen, model), batch_for(model)
    assert equal(prepared(batch), model(batch))
    assert [each.dtype for each in keras.tree.flatten(prepared(batch))] == [tf.bfloat16]
    for layer in compressed_layers(prepared):
        assert {str(each.seen.dtype) for _, each in layer.transformations()} <= {"<dtype: 'float32'>"}


def test_inputs_and_outputs_see_float32_in_mixed_precision(mixed_bfloat16):
    chains = {"inputs": [[Seen()]], "before_activation": [Seen()], "outputs": [Seen()]}
    layer = Compressed(layers.Dense(3, "relu", name="it"), **chains)
    assert layer(np.ones((2, 4), np.float32)).dtype == tf.bfloat16
    assert [str(each.seen.dtype) for _, each in layer.transformations()] == ["<dtype: 'float32'>"] * 3


def test_every_place_has_its_chain():
    dense = layers.Dense(1, activation="relu", name="it", kernel_initializer="ones")
    chains = {"inputs": [[Half()]], "before_activation": [Half(), Half()], "outputs": [Half(), Half(), Half()]}
    layer = Compressed(dense, weights={"kernel": [Half()]}, **chains)
    # 4 inputs of 1/2, weights of 1/2, sum 1; halved twice, then three times.
    assert np.asarray(layer(np.ones((1, 4), np.float32))).tolist() == [[2.0**-5]]
    assert np.asarray(layer(-np.ones((1, 4), np.float32))).tolist() == [[0.0]]
    names = [(place, each.name) for place, each in layer.transformations()]
    assert names == [
        ("kernel", "kernel_half"),
        ("input 0", "input_0_half"),
        ("before activation", "before_activation_half"),
        ("before activation", "before_activation_half_2"),
        ("output", "output_half"),
        ("output", "output_half_2"),
        ("output", "output_half_3"),
    ]


def test_the_activation_comes_after_the_chain_before_it(tmp_path):
    x = keras.Input((1,))
    layer = Compressed(layers.Dense(1, "sigmoid", kernel_initializer="ones", name="it"), before_activation=[Half()])
    model = keras.Model(x, layer(x))
    expected = float(ops.sigmoid(1.0))
    assert np.asarray(model(np.full((1, 1), 2.0))).item() == expected
    assert layer.layer.activation is keras.activations.linear
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert np.asarray(loaded(np.full((1, 1), 2.0))).item() == expected


def test_each_input_tensor_has_its_chain_and_integers_have_none():
    class Sum(layers.Layer):
        def call(self, x, index, more):
            return x + ops.cast(index, "float32") + more["deep"]

    layer = Compressed(Sum(), inputs=[[Half()], [Half(), Half()]])
    found = layer(ops.ones((1,)), ops.ones((1,), "int32"), more={"deep": ops.ones((1,))})
    assert np.asarray(found).tolist() == [1.75]


def test_the_first_of_several_outputs_is_transformed():
    model = made("state")
    prepared = rewrite(model, lambda layer: wrapped(layer, outputs=[Half()]) if isinstance(layer, layers.GRU) else None)
    batch = batch_for(model)
    (sequence, last), (halved, same) = model(batch), prepared(batch)
    assert equal(halved, sequence * 0.5) and equal(same, last)


def test_masks_of_time_steps_reach_the_layer_and_leave_it():
    model = made("masked")
    prepared = seen_through(Same, model)
    batch = batch_for(model)
    batch[:, 3:] = 0.0
    assert equal(prepared(batch), model(batch))
    assert not equal(prepared(batch), prepared(batch + 1e-6))
    embedding = Compressed(layers.Embedding(5, 2, mask_zero=True))
    assert np.asarray(embedding.compute_mask(np.array([[3, 0]]))).tolist() == [[True, False]]


@pytest.mark.parametrize("kind", [layers.Concatenate, layers.Add, layers.Maximum])
def test_layers_of_lists_are_wrapped_with_their_masks(kind):
    words = keras.Input((4,), dtype="int32")
    both = [layers.Embedding(5, 3, mask_zero=True)(words), layers.Embedding(5, 3)(words)]
    model = keras.Model(words, layers.LSTM(2, name="it")(kind(name="both")(both)))
    prepared = rewrite(model, lambda layer: wrapped(layer, outputs=[Same()]) if layer.name == "both" else None)
    batch = np.array([[1, 2, 0, 0], [0, 3, 4, 0]])
    assert equal(prepared(batch), model(batch))
    assert prepared.get_layer("both").compute_mask((), ()) is None


def test_a_shared_layer_is_one_layer():
    prepared = seen_through(Half, made("shared"))
    assert [layer.name for layer in compressed_layers(prepared)] == ["it"]
    assert len(prepared.trainable_variables) == 2


def test_training_reaches_chains_and_layer():
    flags = []

    class Told(Transformation):
        def transform(self, x, training):
            flags.append(training)
            return x

    layer = Compressed(
        layers.BatchNormalization(momentum=0.5, name="it"), weights={"gamma": [Told()]}, outputs=[Told()]
    )
    x = np.full((4, 2), 3.0, np.float32)
    layer(x)
    assert flags == [False, False] and equal(layer.layer.moving_mean, np.zeros(2))
    layer(x, training=True)
    assert flags[2:] == [True, True] and equal(layer.layer.moving_mean, np.full(2, 1.5))
    # Once in a graph, too, and after compilation.
    graph = tf.function(lambda x: layer(x, training=True), jit_compile=True)
    graph(x)
    assert equal(layer.layer.moving_mean, np.full(2, 2.25))


def test_the_flag_of_a_model_reaches_chains():
    prepared = seen_through(Seen, made("dense"))
    [layer] = compressed_layers(prepared)
    prepared(batch_for(prepared), training=True)
    assert {each.flag for _, each in layer.transformations()} == {True}
    prepared.predict(batch_for(prepared), verbose=0)
    assert {each.flag for _, each in layer.transformations()} == {False}


def test_frozen_layers_stay_frozen():
    model = made("batch_norm")
    model.get_layer("it").trainable = False
    prepared = rewrite(model, lambda layer: wrapped(layer, outputs=[Half()]) if layer.weights else None)
    assert prepared.trainable_variables == []
    before = arrays(prepared.variables)
    prepared(batch_for(prepared), training=True)
    assert equal(before, prepared.variables)


def test_an_unbuilt_layer_is_built_with_the_wrapper():
    layer = Compressed(layers.Dense(3, name="it"), weights={"kernel": [Mask("TOPK{0.5}")]})
    layer.build((None, 4))
    assert [variable.path for variable in layer.variables] == ["it/it/kernel", "it/it/bias", "it/kernel_mask/kept"]
    assert layer.compute_output_spec(keras.KerasTensor((None, 4))).shape == (None, 3)


def test_seen_weights_are_those_of_the_layer():
    layer = Compressed(layers.Dense(2, name="it"), weights={"kernel": [Half(), FakeQuantize("fixed<3,3>")]})
    layer.build((None, 2))
    layer.variable("kernel").assign([[2.0, 3.0], [5.0, -9.0]])
    assert np.asarray(layer.seen_weight("kernel")).tolist() == [[1.0, 2.0], [2.0, -4.0]]
    [_, last] = layer.weight_chains["kernel"]
    assert np.asarray(layer.seen_weight("kernel", before=last)).tolist() == [[1.0, 1.5], [2.5, -4.5]]
    assert equal(layer(np.eye(2, dtype=np.float32)), layer.seen_weight("kernel"))


def test_around_another_layer_chains_keep_their_states_and_go_on():
    layer = Compressed(layers.Dense(2, "relu", name="it"), weights={"kernel": [Mask("TOPK{0.5}")]}, outputs=[Half()])
    layer.build((None, 2))
    [mask] = layer.weight_chains["kernel"]
    mask.kept.assign([[True, False], [False, True]])
    other = layers.Dense(2, "relu", name="it")
    other.build((None, 2))
    further = layer.around(other, weights={"kernel": [Half()], "bias": [Half()]}, outputs=[Half()], inputs=[[Half()]])
    assert [place for place, _ in further.transformations()] == [
        *("kernel", "kernel", "bias", "input 0", "output", "output"),
    ]
    assert equal(further.weight_chains["kernel"][0].kept, mask.kept)
    assert further.weight_chains["kernel"][0] is not mask
    assert [each.path for each in further.variables][2:] == [
        *("it/kernel_mask/kept", "it/kernel_half/factor", "it/bias_half/factor"),
    ]


def test_gradients_pass_through_chains():
    layer = Compressed(layers.Dense(1, use_bias=False, name="it"), weights={"kernel": [Half()]}, inputs=[[Half()]])
    x = tf.ones((1, 3))
    layer.build((1, 3))
    with tf.GradientTape() as tape:
        y = layer(x)
    assert equal(tape.gradient(y, layer.layer.kernel), np.full((3, 1), 0.25, np.float32))


def test_a_layer_that_assigns_to_trained_weights_is_refused():
    prepared = seen_through(Same, made("spectral_norm"))
    batch = batch_for(prepared)
    prepared(batch)
    with pytest.raises(
        ConfigError,
        match=r"Layer `it` \(SpectralNormalization\) assigns to its weight `it/dense.*/kernel` when it is call",
    ):
        prepared(batch, training=True)


def test_only_layers_are_wrapped_and_once():
    with pytest.raises(ConfigError, match=r"Only Keras layers can be wrapped. Received: 'dense'."):
        Compressed("dense")
    with pytest.raises(ConfigError, match=r"Layer `it` is wrapped already: add to its chains instead."):
        Compressed(Compressed(layers.Dense(2, name="it")))
    with pytest.raises(ConfigError, match=r"A chain is made of transformations. Received: <Dense name=d"):
        Compressed(layers.Dense(2), outputs=[layers.Dense(2)])


def test_what_keras_has_quantized_is_refused():
    dense = layers.Dense(2, name="it")
    dense.build((None, 2))
    dense.quantize("int8")
    with pytest.raises(
        ConfigError, match=r"Layer `it` is quantized by Keras already. Compress .* Received: quantization_mode='int8'."
    ):
        Compressed(dense)


def test_a_path_that_no_weight_has_is_refused():
    dense = layers.Dense(2, name="it")
    dense.build((None, 2))
    with pytest.raises(ConfigError, match=r"Layer `it` has no weight `kernal`. Did you mean `kernel`\?"):
        Compressed(dense, weights={"kernal": [Half()]})


@pytest.mark.parametrize("layer", [layers.LSTM(2, name="it"), layers.BatchNormalization(name="it")])
def test_layers_without_an_activation_at_their_output_are_refused(layer):
    kind = type(layer).__name__
    with pytest.raises(
        ConfigError,
        match=rf"before_activation: layer `it` \({kind}\) has no activation at its output. Transform its output inst",
    ):
        Compressed(layer, before_activation=[Half()])


def test_through_an_empty_chain_is_the_tensor_itself():
    x = ops.ones((2,))
    assert through([], x, training=True) is x


def test_wrapped_layers_of_nested_models_are_found_once():
    prepared = seen_through(Same, made("nested"))
    assert [layer.name for layer in compressed_layers(prepared)] == ["deep", "norm", "low"]


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_change_nothing_either(backend, repository):
    """Needs the backend: `python -m pytest -m slow tests/layer -k backends`, or ESPALIER_BACKENDS_PYTHON."""
    python = os.environ.get("ESPALIER_BACKENDS_PYTHON", sys.executable)
    if subprocess.run([python, "-c", f"import {backend}"], capture_output=True, check=False).returncode:
        pytest.skip(f"{backend} is not installed beside {python}")
    done = subprocess.run(
        [python, "-m", "tests.layer.print_kinds"],
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        check=True,
        cwd=repository,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == {name: [] for name in MODELS}


@pytest.fixture
def mixed_bfloat16():
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy("float32")


def fresh(name: str) -> keras.Model:
    """Returns the model of a kind as another process would make it."""
    keras.utils.clear_session()
    return made(name)


def step(model: keras.Model, batch) -> dict:
    """Returns what a training call gives, with the gradients of the mean of squares and the losses, and the states."""
    with tf.GradientTape() as tape:
        outputs = model(batch, training=True)
        floats = [each for each in keras.tree.flatten(outputs) if each.dtype.is_floating]
        loss = sum(tf.reduce_mean(tf.square(each)) for each in floats) + sum(model.losses)
    gradients = tape.gradient(loss, model.trainable_variables)
    states = [each for each in model.non_trainable_variables if not each.path.endswith("factor")]
    return {
        "outputs": outputs,
        "losses": model.losses,
        "gradients": [tf.convert_to_tensor(each) for each in gradients],
        "states": states,
    }


def test_transformations_that_stand_as_layers_are_found_with_those_in_wrappers():
    inputs = keras.Input((3,))
    alone = FakeQuantize("int8", name="alone")
    dense = Compressed(keras.layers.Dense(2, name="dense"), outputs=[FakeQuantize("int4")])
    model = keras.Model(inputs, dense(alone(inputs)))
    found = [(layer, place, each.description) for layer, place, each in placed_transformations(model)]
    assert found == [("alone", "output", "int8"), ("dense", "output", "int4")]
    assert list(transformations_of(model)) == [alone, *dense.output_chain]
