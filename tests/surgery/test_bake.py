"""Tests of making permanent what layers see."""

import keras
import numpy as np
import pytest
from keras import layers

from source.layer.batch_normalized import BatchNormalized
from source.layer.calibrated_quantize import CalibratedQuantize
from source.layer.compressed import Compressed, compressed_layers
from source.layer.fake_quantize import FakeQuantize, RoundGradient
from source.surgery.bake import bake
from source.surgery.rewrite import layers_of, rewrite
from source.surgery.wrap import wrapped
from tests.layer.kinds import MODELS, Half, arrays, batch_for, equal, made, named_weights, seen_through


@pytest.mark.parametrize("name", MODELS)
def test_outputs_and_states_stay_and_wrappers_go(name):
    model = made(name)
    prepared, batch = seen_through(Half, model), batch_for(model)
    if name != "spectral_norm":
        prepared(batch, training=True)
    finished = bake(prepared)
    assert equal(finished(batch), prepared(batch))
    assert not any(True for _ in compressed_layers(finished))
    assert [type(layer) for layer in layers_of(finished)] == [type(layer) for layer in layers_of(model)]
    assert [layer.name for layer in layers_of(finished)] == [layer.name for layer in layers_of(model)]
    assert named_weights(finished) == named_weights(model)
    assert not equal(finished.trainable_weights, model.trainable_weights)


def test_a_baked_model_is_saved_and_loaded_by_keras_alone(tmp_path):
    finished = bake(seen_through(Half, made("residual")))
    finished.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert equal(loaded(batch_for(loaded)), finished(batch_for(loaded)))
    assert {type(layer).__module__.split(".")[0] for layer in loaded.layers} == {"keras"}


def with_chains(name: str, **chains) -> keras.Model:
    def replace(layer):
        made_now = {place: make() for place, make in chains.items()}
        return wrapped(layer, **made_now) if layer.name == "it" else None

    return rewrite(made(name), replace)


@pytest.mark.parametrize("name", ["dense", "conv2d", "attention_by_name", "shared", "lstm", "several", "batch_norm"])
def test_chains_of_inputs_and_outputs_become_layers(name, tmp_path):
    prepared = with_chains(name, inputs=lambda: [[FakeQuantize("fixed<8,3>")]], outputs=lambda: [Half()])
    batch = batch_for(prepared)
    finished = bake(prepared)
    assert equal(finished(batch), prepared(batch))
    kinds = [type(layer).__name__ for layer in layers_of(finished)]
    assert "Compressed" not in kinds and kinds.count("Half") == 1 and kinds.count("FakeQuantize") == 1
    assert "it_output_half" in [layer.name for layer in finished.layers]
    finished.save(tmp_path / "model.keras")
    assert equal(keras.saving.load_model(tmp_path / "model.keras")(batch), finished(batch))
    assert all(not layer.trainable_weights for layer in finished.layers if isinstance(layer, (Half, FakeQuantize)))


def test_the_chain_before_the_activation_stays_before_it():
    prepared = with_chains("dense", before_activation=lambda: [FakeQuantize("fixed<8,4>")])
    batch = batch_for(prepared)
    finished = bake(prepared)
    assert equal(finished(batch), prepared(batch))
    names = [layer.name for layer in finished.layers[1:]]
    assert names == ["it", "it_before_activation_fake_quantize", "it_activation"]
    assert finished.get_layer("it").activation is keras.activations.linear


def test_what_does_not_last_leaves_the_activation_in_the_layer():
    prepared = with_chains("dense", before_activation=lambda: [RoundGradient("fp8_e5m2")])
    batch = batch_for(prepared)
    finished = bake(prepared)
    assert equal(finished(batch), prepared(batch))
    assert [layer.name for layer in finished.layers[1:]] == ["it"]
    assert finished.get_layer("it").activation is keras.activations.relu


def test_eight_bits_become_an_operation_of_keras(tmp_path):
    prepared = with_chains("dense", outputs=lambda: [CalibratedQuantize()])
    batch = batch_for(prepared)
    prepared(batch, training=True)
    finished = bake(prepared)
    assert equal(finished(batch), prepared(batch))
    assert [type(each).__name__ for each in finished.operations] == ["InputLayer", "Dense", "FakeQuantWithMinMaxVars"]
    finished.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert equal(loaded(batch), finished(batch))


def test_a_model_without_wrappers_is_copied():
    model = made("nested")
    assert equal(bake(model)(batch_for(model)), model(batch_for(model)))


def test_mixed_precision_stays():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = made("conv2d")
        prepared = seen_through(lambda: FakeQuantize("fixed<8,2>"), model)
        finished = bake(prepared)
    finally:
        keras.config.set_dtype_policy("float32")
    batch = batch_for(model)
    assert finished.output.dtype == "bfloat16"
    assert equal(finished(batch), prepared(batch))
    # Rounded in float32 all the same: 64 steps to one.
    kernel = np.asarray(finished.get_layer("it").kernel)
    assert kernel.dtype == np.float32 and equal(kernel * 64.0, np.rint(kernel * 64.0))


def test_a_trained_wrapper_of_nothing_is_unwrapped():
    x = keras.Input((4,))
    model = keras.Model(x, Compressed(layers.Dense(2, name="it"))(x))
    assert [type(layer) for layer in bake(model).layers[1:]] == [layers.Dense]


FOLDED = {
    "dense": lambda: layers.Dense(4, name="it"),
    "convolution": lambda: layers.Conv2D(4, 3, name="it"),
    "without_bias": lambda: layers.Conv2D(4, 3, use_bias=False, name="it"),
    "depthwise": lambda: layers.DepthwiseConv2D(3, depth_multiplier=2, name="it"),
    "transposed": lambda: layers.Conv2DTranspose(4, 3, name="it"),
}


@pytest.mark.parametrize("paths", [("kernel",), ("kernel", "bias"), ("bias",)], ids="-".join)
@pytest.mark.parametrize("name", FOLDED)
def test_a_folded_normalization_computes_the_same_bits_before_and_after(name, paths):
    if name == "without_bias" and "bias" in paths:
        return
    linear, norm = FOLDED[name](), layers.BatchNormalization(name="norm")
    x = np.random.default_rng(0).normal(size=(4, 6, 6, 3)).astype(np.float32)
    norm(linear(x))
    for weight in (*norm.weights, *linear.weights[1:]):
        weight.assign(np.random.default_rng(1).uniform(0.5, 2.0, weight.shape))
    norm.gamma.assign(np.where(np.arange(norm.gamma.shape[0]) == 1, 0.0, norm.gamma))  # a channel that is switched off
    both = BatchNormalized(linear, norm)
    inputs = keras.Input((6, 6, 3))
    prepared = keras.Model(
        inputs, Compressed(both, weights={path: [FakeQuantize("fixed<6,3>")] for path in paths})(inputs)
    )
    finished = bake(prepared)
    assert [type(layer) for layer in finished.layers[1:]] == [type(linear)]
    if "kernel" in paths:
        assert equal(finished(x), prepared(x))
        assert (arrays(finished(x))[0][..., 1] == np.asarray(norm.beta)[1]).all()
    # Where the kernel is not seen through a chain, the two layers are computed, in other products of float32.
    np.testing.assert_allclose(finished(x), prepared(x), rtol=1e-4, atol=1e-4)


def test_a_folded_normalization_without_a_wrapper_becomes_one_layer():
    inputs = keras.Input((6, 6, 3))
    both = BatchNormalized(layers.Conv2D(4, 3, name="it"), layers.BatchNormalization(name="norm"), name="it")
    model = keras.Model(inputs, both(inputs))
    both.normalization.moving_mean.assign([1.0, 2.0, 3.0, 4.0])
    finished = bake(model)
    assert [type(layer) for layer in finished.layers[1:]] == [layers.Conv2D]
    x = batch_for(model)
    # Float32 rounds the kernel times the scale, and sums near 10, by 6e-8 of them.
    np.testing.assert_allclose(finished(x), model(x), atol=1e-5)


def test_zeros_of_rounding_lose_their_minus():
    inputs = keras.Input((2,))
    model = keras.Model(inputs, layers.Dense(2, use_bias=False, name="it")(inputs))
    model.get_layer("it").kernel.assign([[1.0, -0.01], [-0.01, 0.5]])
    prepared = rewrite(model, lambda layer: wrapped(layer, weights={"kernel": [FakeQuantize("int4")]}))
    assert np.signbit(prepared.get_layer("it").seen_weight("kernel")).tolist() == [[False, True], [True, False]]
    kernel = np.asarray(bake(prepared).get_layer("it").kernel)
    assert (kernel == [[1.0, 0.0], [0.0, kernel[1, 1]]]).all()
    assert not np.signbit(kernel).any()
