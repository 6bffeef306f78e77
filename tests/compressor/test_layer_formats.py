"""Tests of the formats of layers: what is rounded where, along which axis, and that SAME changes nothing."""

import keras
import numpy as np
import pytest

from source.compressor import rule_sets
from source.compressor.build import compressor
from source.config.errors import ConfigError, EspalierError
from source.layer.approximation.grammar import approximation
from source.layer.load_model import load_model
from source.numeric import number_format
from tests.compressor import small_models

NAME = "layer_formats"
X = np.random.default_rng(0).normal(size=(5, 6)).astype("float32")


def perceptron() -> keras.Model:
    """Returns `up` with GELU and `out`, 6 to 4 to 3, with biases that are not zero."""
    inputs = keras.Input((6,))
    x = keras.layers.Dense(4, activation="gelu", name="up")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(3, name="out")(x))
    draw = np.random.default_rng(1)
    model.set_weights([draw.normal(size=weight.shape) for weight in model.get_weights()])
    return model


def rounded(name: str, x, axis: int = -1) -> np.ndarray:
    return number_format(name).round(np.asarray(x), axis=axis)


def test_a_layer_computes_input_weights_bias_sum_activation_output():
    formats = {"inputs": "BFP[4|8]{4}", "weights": "BFP[5|8]{4}", "biases": "BFP[4|8]{1}"}
    prepared = compressor(NAME, **formats, before_activation="fp8_e4m3", outputs="fp8_e5m2").prepare(perceptron())
    x = X
    for name in ("up", "out"):
        kernel, bias = (keras.ops.convert_to_numpy(each) for each in perceptron().get_layer(name).weights)
        x = rounded("BFP[4|8]{4}", x) @ rounded("BFP[5|8]{4}", kernel, axis=0) + rounded("BFP[4|8]{1}", bias)
        if name == "up":
            x = keras.ops.convert_to_numpy(keras.activations.gelu(rounded("fp8_e4m3", x)))
        x = rounded("fp8_e5m2", x)
    np.testing.assert_array_equal(prepared(X), x)


def test_finishing_keeps_the_outputs_and_leaves_no_wrapper(tmp_path):
    made = compressor(NAME, rule_set="fp8")
    prepared = small_models.compiled(made.prepare(perceptron()))
    small_models.fit(prepared, [made.keras_callback()])
    prepared.save(tmp_path / "prepared.keras")
    again = compressor(NAME, rule_set="fp8")
    finished = again.finish(load_model(tmp_path / "prepared.keras"))
    np.testing.assert_array_equal(finished(X), prepared(X))
    assert "Compressed" not in {type(layer).__name__ for layer in finished.layers}
    kernel = finished.get_layer("up").get_weights()[0]
    np.testing.assert_array_equal(rounded("AFLOAT8", kernel), kernel)


def wide() -> keras.Model:
    """Returns a network with a convolution, normalization, an addition, pooling, attention, a gate and an embedding."""
    pictures, words = keras.Input((6, 6, 3), name="pictures"), keras.Input((4,), dtype="int32", name="words")
    x = keras.layers.Conv2D(4, 3, padding="same", use_bias=False, name="conv")(pictures)
    x = keras.layers.ReLU(name="relu")(keras.layers.BatchNormalization(name="norm")(x))
    x = keras.layers.MaxPooling2D(name="pool")(keras.layers.Add(name="sum")([x, x]))
    x = keras.layers.Reshape((9, 4), name="reshape")(x)
    y = keras.layers.Embedding(5, 4, name="embedding")(words)
    y = y + keras.layers.MultiHeadAttention(2, 2, name="attention")(y, x)
    y = keras.layers.GRU(3, name="gru")(y)
    return keras.Model([pictures, words], keras.layers.Dense(2, activation="silu", name="out")(y))


def batch() -> list[np.ndarray]:
    draw = np.random.default_rng(2)
    return [draw.normal(size=(3, 6, 6, 3)).astype("float32"), draw.integers(0, 5, (3, 4)).astype("int32")]


def test_baseline_computes_and_trains_the_same_bit_for_bit():
    import tensorflow as tf

    plain = wide()
    prepared = compressor(NAME, rule_set="baseline").prepare(plain)
    gradients = []
    for model in (plain, prepared):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(model(batch(), training=True) ** 2)
        gradients.append([loss, *tape.gradient(loss, model.trainable_variables)])
    assert len(gradients[0]) == len(gradients[1])
    for one, other in zip(*gradients, strict=True):
        np.testing.assert_array_equal(*(tf.convert_to_tensor(each) for each in (one, other)))


def test_a_rule_set_rounds_every_kind_of_layer_by_its_role():
    made = compressor(NAME, rule_set="basic_sbfp")
    report = made.report(made.prepare(wide()))
    block, half = "BFP[8|8]{64}(SN)", "FP[1|5|10,15](FN)"
    around = {f"{layer} {place}": half for layer in ("norm", "relu", "pool") for place in ("input 0", "output")}
    linear = {f"{name} input 0": block for name in ("conv", "attention", "gru", "out")}
    linear |= {f"{name} output": half for name in ("conv", "attention", "gru", "out", "embedding", "sum")}
    more = {"attention input 1": block, "sum input 0": half, "sum input 1": half, "out before activation": half}
    linear["out output"] = f"silu<poly2,float16> > {half}"
    ours = {place: what for place, what in report.activations.items() if not place.startswith("add")}
    assert ours == {**around, **linear, **more}
    added = {place: what for place, what in report.activations.items() if place.startswith("add")}
    assert list(added.values()) == [half] * 3  # what enters and leaves `y + ...`
    how = {(row.layer, row.weight): row.how for row in report.rows}
    assert how["conv", "kernel"] == "SBFP<XP[4,0](CSN)><FP[0|4|4,7](FN)>{16} > BFP[8|8]{64}(SN)"
    assert how["attention", "query/bias"] == "BFP[24|8]{1}(SN)"
    assert how["embedding", "embeddings"] == "is left as it is by `weights`"
    assert how["norm", "gamma"] == "is no kernel or table"


def test_operations_are_rounded_and_finished():
    first, second = keras.Input((3, 70)), keras.Input((70, 2))
    model = keras.Model([first, second], keras.ops.matmul(first, second))
    prepared = (made := compressor(NAME, rule_set="basic")).prepare(model)
    draw = np.random.default_rng(0)
    x = [draw.normal(size=(2, 3, 70)).astype("float32"), draw.normal(size=(2, 70, 2)).astype("float32")]
    product = np.matmul(rounded("BFP16_64", x[0], -1), rounded("BFP16_64", x[1], -2))
    # Sums of 70 numbers in another order, before they are rounded to float16.
    np.testing.assert_allclose(prepared(x), rounded("FLOAT16", product), rtol=2e-3, atol=1e-3)
    np.testing.assert_array_equal(made.finish(prepared)(x), prepared(x))


@pytest.mark.parametrize(
    ("layer", "shapes", "axes"),
    [
        (keras.layers.Dense(2), [(3,)], [-1]),
        (keras.layers.Conv2D(2, 1, data_format="channels_first"), [(3, 4, 4)], [1]),
        (keras.layers.EinsumDense("abc,bd->adc", (2, 3)), [(4, 3)], [-2]),
        (keras.layers.EinsumDense("...x,xy->...y", 3), [(4, 3)], [-1]),
        (keras.layers.Dot(axes=(2, 1)), [(3, 4), (4, 5)], [2, 1]),
        (keras.layers.Dot(axes=1), [(4,), (4,)], [1, 1]),
    ],
)
def test_blocks_of_inputs_lie_along_what_is_summed_over(layer, shapes, axes):
    inputs = [keras.Input(shape) for shape in shapes]
    model = keras.Model(inputs, layer(inputs if len(inputs) > 1 else inputs[0]))
    prepared = compressor(NAME, inputs="BFP16_64").prepare(model)
    [chains] = [each.input_chains for each in prepared.layers if hasattr(each, "input_chains")]
    assert [chain[0].axis for chain in chains] == axes


def test_gradients_are_rounded():
    import tensorflow as tf

    layer = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
    inputs = keras.Input((1,))
    prepared = compressor(NAME, gradients="fp8_e5m2").prepare(keras.Model(inputs, layer(inputs)))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(prepared(np.ones((1, 1), "float32")) * 1.15)
    assert tape.gradient(loss, prepared.trainable_variables)[0].numpy().item() == 1.25


def test_rules_stand_on_a_set():
    rules = [{"match": {"name": "up"}, "do": {"weights": "int4<channel>"}}, {"match": {"name": "out"}, "do": "skip"}]
    made = compressor(NAME, rule_set="fp8", rules=rules)
    report = made.report(made.prepare(perceptron()))
    assert {(row.layer, row.weight): row.how for row in report.rows} == {
        ("up", "kernel"): "int4<channel>",
        ("up", "bias"): "is left as it is by `biases`",
        ("out", "kernel"): "skipped by a rule",
        ("out", "bias"): "skipped by a rule",
    }
    assert list(report.activations) == ["up input 0", "up before activation", "up output"]


@pytest.mark.parametrize("rule_set", rule_sets.names())
def test_every_set_trains_and_keeps_its_outputs_when_finished(rule_set):
    made = compressor(NAME, rule_set=rule_set)
    prepared = small_models.compiled(made.prepare(small_models.images()))
    approximated = {place for place, what in made.report(prepared).activations.items() if "softmax<" in what}
    assert approximated == ({"softmax output"} if rule_set.startswith("basic") else set())
    small_models.fit(prepared, [made.keras_callback()])
    x = np.random.default_rng(4).normal(size=(3, 6, 6, 3)).astype("float32")
    np.testing.assert_array_equal(made.finish(prepared)(x), prepared(x))


def test_operators_are_approximated_where_a_layer_has_them():
    made = compressor(NAME, operators="gelu<poly2,float16>", before_activation="FLOAT16")
    prepared = made.prepare(perceptron())
    x = keras.ops.convert_to_numpy(X @ perceptron().get_layer("up").kernel + perceptron().get_layer("up").bias)
    inner = keras.Model(prepared.input, prepared.get_layer("up").output)
    np.testing.assert_array_equal(inner(X), approximation("gelu")(rounded("FLOAT16", x)))
    np.testing.assert_array_equal(made.finish(prepared)(X), prepared(X))
    inputs = keras.Input((6,))
    made = compressor(NAME, operators=["softmax"])
    only = made.prepare(keras.Model(inputs, keras.ops.softmax(inputs)))
    np.testing.assert_array_equal(only(X), approximation("softmax")(X))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"operators": "softmx"}, "Did you mean `softmax`"),
        ({"operators": "softmax", "rule_set": "fp8"}, "`rule_set` must be None where formats are named"),
        ({"weights": "BFP16_65x"}, "BFP16_65x"),
        ({"weights": "BFP16_64", "rule_set": "fp8"}, "`rule_set` must be None where formats are named"),
        ({"rule_set": "fp9"}, "rule_set: expected"),
        ({}, "nothing of model .* is rounded. Name formats"),
        ({"rule_set": "fp8", "rules": [{"match": {"name": "upp"}, "do": "skip"}]}, "Did you mean `up`"),
        (
            {"rule_set": "fp8", "rules": [{"match": {"weight": "bias"}, "do": {"weights": "fp8_e4m3"}}]},
            "weight `bias` of layer `up` cannot be compressed: it is left as it is by `biases`",
        ),
    ],
)
def test_what_has_no_effect_is_refused(settings, message):
    with pytest.raises(EspalierError, match=message):
        compressor(NAME, **settings).prepare(perceptron())


def test_an_unprepared_model_is_refused():
    with pytest.raises(ConfigError, match="has nothing of this compressor"):
        compressor(NAME, rule_set="fp8").attach(perceptron())
