"""Tests of quantization-aware training: where it rounds, to what, how limits are found, and what remains of it."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from source.compressor.build import compressor
from source.config.errors import ConfigError, DataError
from source.layer.batch_normalized import BatchNormalized
from source.layer.calibrated_quantize import CalibratedQuantize
from source.layer.compressed import Compressed, transformations_of
from source.layer.learned_quantize import LearnedLimit, LearnedStep
from source.numeric.grammar import number_format
from tests.compressor import small_models

NAME = "quantize_aware"


@pytest.fixture(scope="module")
def residual() -> keras.Model:
    """A block as residual networks have it: what is added is normalized, the sum has an activation."""
    inputs = keras.Input((6, 6, 3), name="image")
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="stem")(inputs)
    y = layers.Conv2D(4, 3, padding="same", use_bias=False, name="conv")(x)
    y = layers.BatchNormalization(name="norm")(y)
    y = layers.ReLU(name="relu")(y + x)
    y = layers.MaxPooling2D(name="max")(y)
    y = layers.Flatten(name="flat")(layers.AveragePooling2D(2, name="mean")(y))
    return keras.Model(inputs, layers.Dense(5, name="logits")(y))


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(32, 6, 6, 3)).astype("float32")


def prepared(model, calibration=None, **settings):
    made = compressor(NAME, **settings)
    return made, made.prepare(model, calibration)


def places(made, model) -> dict[str, str]:
    return made.report(model).activations


def test_what_a_device_computes_in_one_go_is_rounded_once(residual):
    made, model = prepared(residual)
    assert places(made, model) == {
        "stem input 0": "uint8",
        "stem output": "uint8",
        "conv output": "uint8",  # after the normalization that is folded in, before the sum
        "relu output": "uint8",  # of the sum; maxima and reshaping give back what they were given
        "mean output": "uint8",
        "logits output": "uint8",
    }


def test_taking_every_second_number_needs_no_rounding():
    inputs = keras.Input((4, 4, 2))
    x = layers.AveragePooling2D(1, strides=2, name="second")(layers.Conv2D(2, 1, name="conv")(inputs))
    made, model = prepared(keras.Model(inputs, layers.Dense(1, name="logits")(layers.Flatten()(x))))
    assert list(places(made, model)) == ["conv input 0", "conv output", "logits output"]


def test_without_folding_normalization_is_rounded_after_itself(residual):
    made, model = prepared(residual, fold_batch_norm=False)
    assert "norm output" in places(made, model)
    assert "conv output" not in places(made, model)
    assert not any(isinstance(layer, Compressed) and isinstance(layer.layer, BatchNormalized) for layer in model.layers)


def test_folded_normalization_leaves_the_model_as_one_layer(residual):
    _, model = prepared(residual)
    assert isinstance(model.get_layer("conv").layer, BatchNormalized)
    assert "norm" not in [layer.name for layer in model.layers]


def test_an_operation_that_is_no_layer_is_rounded_by_a_layer_after_it():
    inputs = keras.Input((4,), name="x")
    x = layers.Dense(3, name="a")(inputs)
    model = keras.Model(inputs, layers.Dense(2, name="b")(ops.tanh(x)))
    made, quantized = prepared(model)
    assert places(made, quantized)["tanh_quantize"] == "uint8"
    assert "a output" not in places(made, quantized)  # tanh is computed together with it


def test_weights_are_rounded_to_the_format_for_each_channel(residual):
    _, model = prepared(residual)
    kernel = residual.get_layer("stem").kernel
    expected = number_format("int8<channel>").round(ops.convert_to_numpy(kernel), axis=-1)
    np.testing.assert_array_equal(model.get_layer("stem").seen_weight("kernel"), expected)


def test_numbers_after_relu_have_limits_that_begin_at_zero(residual, images):
    _, model = prepared(residual, calibration=images)
    [limits] = model.get_layer("stem").output_chain
    assert float(limits.low) == 0.0
    outputs = residual.get_layer("stem")(images)
    # The layer computes with weights of 8 bits, whose errors are up to 1/254 of the largest of a channel.
    assert float(limits.high) == pytest.approx(float(ops.max(outputs)), rel=0.01)


def test_limits_follow_the_batches_and_then_stay(residual, images):
    made, model = prepared(residual, freeze_step=2, momentum=0.5)
    [limits] = model.get_layer("stem").output_chain
    recorder = small_models.Recorder(lambda: float(limits.high))
    model.compile("sgd", "mse")
    targets = np.zeros((32, 5), "float32")
    model.fit(images, targets, batch_size=8, verbose=0, shuffle=False, callbacks=[made.keras_callback(), recorder])
    before, first, second, third, end = recorder.seen
    assert before == 0.0
    assert first > 0.0
    assert second != first
    assert second == third == end


def test_frozen_statistics_of_normalization_stay(residual, images):
    made, model = prepared(residual, freeze_step=0)
    mean = model.get_layer("conv").layer.normalization.moving_mean
    before = mean.numpy()
    model.compile("sgd", "mse")
    model.fit(images, np.zeros((32, 5)), verbose=0, callbacks=[made.keras_callback()])
    np.testing.assert_array_equal(mean.numpy(), before)


@pytest.mark.parametrize(("ranges", "kind"), [("learned_step", LearnedStep), ("learned_limit", LearnedLimit)])
def test_ranges_can_be_trained_from_where_the_data_is(residual, images, ranges, kind):
    settings = {"activations": "uint4", "activation_ranges": ranges}
    _, model = prepared(residual, calibration=images, **settings)
    learned = [each for each in transformations_of(model) if isinstance(each, kind)]
    assert len(learned) == 6
    assert all(float(each.value) != 1.0 for each in learned)
    assert {each.signed for each in learned} == {True, False}
    with pytest.raises(ConfigError, match=r"quantize_aware: activation_ranges='learned_\w+' are trained from where"):
        compressor(NAME, **settings).prepare(residual)


def test_weight_steps_begin_with_the_least_error(residual):
    _, model = prepared(residual, weights="int3<channel>", weight_ranges="learned_step", activations=None)
    kernel = residual.get_layer("logits").kernel.numpy()
    seen = ops.convert_to_numpy(model.get_layer("logits").seen_weight("kernel"))
    largest = number_format("int3<channel>").round(kernel, axis=-1)
    assert np.square(seen - kernel).sum() < np.square(largest - kernel).sum()
    assert len(np.unique(seen[:, 0])) <= 7


@pytest.mark.parametrize(("weights", "numbers"), [("ternary", 3), ("ternary<channel>", 3 * 4)])
def test_ternary_scales_can_be_trained(weights, numbers):
    model = small_models.dense(np.random.default_rng(0).normal(size=(16, 4)))
    made = compressor("quantize_aware", weights=weights, weight_ranges="learned_scale", activations=None)
    ours = small_models.compiled(made.prepare(model))
    [ternary] = [each for _, each in ours.get_layer("a").transformations()]
    before = keras.ops.convert_to_numpy(ternary.positive)
    small_models.fit(ours, [made.keras_callback()])
    assert np.all(keras.ops.convert_to_numpy(ternary.positive) != before)
    kernel = keras.ops.convert_to_numpy(made.finish(ours).get_layer("a").kernel)
    assert len(np.unique(kernel[kernel != 0])) == numbers * 2 // 3
    assert {row.how for row in made.report(ours).compressed} == {"ternary learned scales"}


def test_any_format_rounds_weights_activations_and_gradients(residual, images):
    settings = {"weights": "BFP[8|8]{64}(SN)", "activations": "fp8_e4m3fn", "gradients": "fp8_e5m2"}
    made, model = prepared(residual, **settings)
    assert places(made, model)["stem output"] == "gradient fp8_e5m2 > fp8_e4m3fn"
    model.compile("sgd", "mse")
    model.fit(images, np.zeros((32, 5)), verbose=0)
    finished = made.finish(model)
    np.testing.assert_array_equal(finished(images), model(images))
    assert "gradient" not in " ".join(layer.name for layer in finished.layers)


def test_eight_bits_are_finished_without_a_layer_of_ours(residual, images, tmp_path):
    made, model = prepared(residual, calibration=images)
    finished = made.finish(model)
    # Folding reorders float32 products; an activation on the edge between two of 256 steps may go to the other.
    np.testing.assert_allclose(finished(images), model(images), atol=0.02)
    assert all(type(layer).__module__.startswith("keras.") for layer in finished.layers)
    finished.save(tmp_path / "finished.keras")
    loaded = keras.models.load_model(tmp_path / "finished.keras")
    np.testing.assert_array_equal(loaded(images), finished(images))


def test_a_model_without_limits_is_not_finished(residual):
    made, model = prepared(residual)
    with pytest.raises(ConfigError, match="nothing has been seen at `stem input 0`, so its limits are not known"):
        made.finish(model)


def test_rules_set_formats_and_skip(residual):
    rules = [
        {"match": {"name": "stem"}, "do": {"weights": "int4", "inputs": None}},
        {"match": {"type": "Dense"}, "do": "skip"},
    ]
    made, model = prepared(residual, rules=rules)
    how = {(row.layer, row.weight): row.how for row in made.report(model).rows}
    assert how["stem", "kernel"] == "int4"
    assert how["conv", "kernel"] == "int8<channel>"
    assert how["logits", "kernel"] == "skipped by a rule"
    assert {"stem input 0", "logits output"}.isdisjoint(places(made, model))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"weights": "int7x"}, "quantize_aware: `weights`: There is no number format `int7x`. Did you mean"),
        ({"weights": None, "activations": None}, "nothing of model `.*` is rounded"),
        ({"weights": "ternary", "weight_ranges": "learned_step"}, "`weights` must be integers when ranges are learned"),
        ({"freeze_step": -1}, "`freeze_step` must be at least 0"),
        ({"rules": [{"match": {"name": "sten"}, "do": "skip"}]}, "no layer is called `sten`. Did you mean `stem`"),
    ],
)
def test_what_cannot_be_is_refused(residual, settings, message):
    with pytest.raises(ConfigError, match=message):
        prepared(residual, **settings)


def test_only_ternary_scales_can_be_trained():
    with pytest.raises(ConfigError, match=r'`weights` must be "ternary" or "ternary<channel>" when scales are learned'):
        compressor("quantize_aware", weights="int8", weight_ranges="learned_scale")


def test_a_format_on_integers_is_refused():
    class Counting(layers.Layer):
        def build(self, shape):
            self.count = self.add_weight(
                shape=(2, 2), dtype="int32", initializer="zeros", trainable=False, name="count"
            )

        def call(self, x):
            return x + ops.cast(self.count[0], x.dtype)

    inputs = keras.Input((2,))
    model = keras.Model(inputs, layers.Dense(2)(Counting(name="counting")(inputs)))
    rules = [{"match": {"weight": "count"}, "do": {"weights": "int8"}}]
    with pytest.raises(
        ConfigError, match=r"rules\[0\]: weight `count` of layer `counting` cannot be compressed: it holds"
    ):
        compressor(NAME, rules=rules).prepare(model)


def test_pruned_weights_stay_zero(residual, images):
    pruning = compressor("magnitude_pruning", sparsity=0.5, schedule="one_shot")
    sparse = pruning.prepare(residual)
    pruning.update(0)
    _, model = prepared(sparse, calibration=images)
    seen = ops.convert_to_numpy(model.get_layer("conv").seen_weight(model.get_layer("conv").weight_chains and "kernel"))
    assert np.count_nonzero(seen) <= 72  # of 144


def test_limits_are_owned_by_this_compressor(residual):
    _, model = prepared(residual)
    assert {each.owner for each in transformations_of(model) if isinstance(each, CalibratedQuantize)} == {NAME}


def test_states_have_the_same_paths_after_loading(residual, images, tmp_path):
    settings = {"weights": "int4<channel>", "weight_ranges": "learned_step", "activations": "uint4"}
    _, model = prepared(residual, calibration=images, **settings)
    model.save(tmp_path / "prepared.keras")
    loaded = keras.models.load_model(tmp_path / "prepared.keras")
    assert [each.path for each in loaded.variables] == [each.path for each in model.variables]
    np.testing.assert_array_equal(loaded(images), model(images))


def test_an_activation_that_is_wrapped_already_is_rounded_all_the_same():
    inputs = keras.Input((4,), name="x")
    x = layers.Activation("relu", name="act")(layers.Dense(3, name="a")(inputs))
    wrapped = compressor("layer_formats", outputs="BFP16_64").prepare(keras.Model(inputs, layers.Dense(2, name="b")(x)))
    made, model = prepared(wrapped)
    assert places(made, model)["act output"] == "BFP[8|8]{64}(SN) > uint8"


def test_a_rule_that_trains_ranges_needs_inputs_too(residual, images):
    rules = [{"match": {"name": "stem"}, "do": {"activation_ranges": "learned_step"}}]
    made = compressor(NAME, rules=rules)
    assert made.needs_calibration
    with pytest.raises(ConfigError, match="activation_ranges='learned_step' are trained from where the data is"):
        made.prepare(residual)
    [step] = made.prepare(residual, images).get_layer("stem").output_chain
    assert float(step.value) != 1.0


@pytest.mark.parametrize(
    ("calibration", "message"),
    [([], "expected arrays of equally many inputs, at least one"), (iter(()), "or a list of batches. Received: <")],
)
def test_inputs_must_be_arrays_and_there_must_be_some(residual, calibration, message):
    with pytest.raises(DataError, match=message):
        prepared(residual, calibration=calibration)
