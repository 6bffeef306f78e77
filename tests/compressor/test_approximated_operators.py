"""Tests of approximated operators: which layers are replaced, what stays, how far off they are, what is refused."""

import keras
import numpy as np
import pytest

from source.compressor.build import compressor
from source.config.errors import ConfigError, UnknownNameError
from source.layer.approximation.grammar import approximation
from source.layer.compressed import Compressed
from source.layer.load_model import load_model
from source.surgery.wrap import inside
from tests.compressor import small_models

NAME = "approximated_operators"
X = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")


def model() -> keras.Model:
    """Returns `up` with GELU, `norm`, `logits` and `softmax`, with weights other than the initial ones."""
    inputs = keras.Input((4,))
    x = keras.layers.Dense(6, activation="gelu", name="up")(inputs)
    x = keras.layers.LayerNormalization(name="norm")(x)
    x = keras.layers.Dense(3, name="logits")(x)
    made = keras.Model(inputs, keras.layers.Softmax(name="softmax")(x))
    draw = np.random.default_rng(1)
    made.set_weights([draw.normal(size=weight.shape) for weight in made.get_weights()])
    return made


def said(made, prepared) -> list[str]:
    """Returns what the report says of layers that compute approximately."""
    return [f"{place}: {what}" for place, what in made.report(prepared).activations.items()]


def of(layer: keras.layers.Layer, shape=(4,)) -> keras.Model:
    inputs = keras.Input(shape)
    return keras.Model(inputs, layer(inputs))


def test_layers_and_activations_are_replaced_and_keep_their_weights():
    made = compressor(NAME, softmax="softmax<base2,float16>", gelu="gelu", layer_normalization="layernorm")
    before = model()
    prepared = made.prepare(before)
    assert [type(inside(layer)).__name__ for layer in prepared.layers[1:]] == [
        "Dense",
        "ApproximateLayerNormalization",
        "Dense",
        "ApproximateSoftmax",
    ]
    assert inside(prepared.get_layer("up")).activation == approximation("gelu")
    assert before.get_layer("up").activation is keras.activations.gelu
    for layer in before.layers[1:]:
        for weight, its_copy in zip(
            layer.get_weights(), inside(prepared.get_layer(layer.name)).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(its_copy, weight)
    assert prepared(X).numpy().tolist() != before(X).numpy().tolist()
    # The bounds of docs/approximations.md: 1.1e-2 for the softmax, and what the two before it add.
    np.testing.assert_allclose(prepared(X), before(X), atol=5e-2)


def test_what_is_left_exact_stays_exact():
    made = compressor(NAME, softmax="softmax<poly2,int>")
    prepared = made.prepare(model())
    inner, expected = (keras.Model(each.input, each.get_layer("logits").output) for each in (prepared, model()))
    np.testing.assert_array_equal(inner(X), expected(X))


@pytest.mark.parametrize(
    ("setting", "name", "layer", "shape"),
    [
        ("softmax", "softmax", keras.layers.Dense(3, activation="softmax", name="it"), (4,)),
        ("gelu", "gelu", keras.layers.Activation("gelu", name="it"), (4,)),
        ("layer_normalization", "layernorm<quake3,float16>", keras.layers.LayerNormalization(name="it"), (4,)),
        ("rms_normalization", "rmsnorm", keras.layers.RMSNormalization(name="it"), (4,)),
        ("silu", "silu", keras.layers.Conv1D(2, 1, activation="silu", name="it"), (4, 2)),
        ("sigmoid", "sigmoid", keras.layers.LSTM(2, name="it"), (4, 2)),
        ("tanh", "tanh", keras.layers.GRU(2, name="it"), (4, 2)),
        ("exponential", "exp", keras.layers.Activation("exponential", name="it"), (4,)),
    ],
)
def test_every_operator_is_found_and_its_error_measured(setting, name, layer, shape):
    made = compressor(NAME, **{setting: name})
    x = np.random.default_rng(2).normal(size=(5, *shape)).astype("float32")
    before = of(layer, shape)
    prepared = made.prepare(before, x)
    expected = float(np.abs(prepared(x) - before(x)).max())
    assert said(made, prepared) == [f"it output: {approximation(name)}, off by at most {expected:.2g}"]
    assert expected > 0


def test_operations_of_keras_ops_are_replaced():
    inputs = keras.Input((3, 4))
    x = keras.ops.gelu(keras.ops.softmax(inputs, axis=1), approximate=False)
    before = keras.Model(inputs, keras.ops.gelu(x, approximate=True))
    made = compressor(NAME, softmax="softmax", gelu="gelu")
    x = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
    prepared = made.prepare(before, [x, x])
    found = [what.partition(",")[0] for what in made.report(prepared).activations.values()]
    assert found == ["softmax<base2", "gelu<poly2"]
    np.testing.assert_allclose(prepared(x), before(x), atol=5e-2)  # as above
    assert np.abs(prepared(x) - before(x)).max() > 0


def test_rules_choose_by_layer():
    rules = [{"match": {"name": "softmax"}, "do": {"softmax": "softmax<poly2,int>"}}]
    rules += [{"match": {"type": "LayerNormalization"}, "do": "skip"}]
    made = compressor(NAME, softmax="softmax", layer_normalization="layernorm", rules=rules)
    prepared = made.prepare(model())
    assert said(made, prepared) == ["softmax output: softmax<poly2,int>"]
    made = compressor(NAME, rules=[{"match": {"name": "up"}, "do": {"gelu": "gelu"}}])
    assert said(made, made.prepare(model())) == ["up output: gelu<poly2,float16>"]


def test_gradients_are_those_of_the_exact_operator():
    import tensorflow as tf

    made = compressor(NAME, softmax="softmax")
    before = of(keras.layers.Softmax())
    gradients = []
    for each in (made.prepare(before), before):
        with tf.GradientTape() as tape:
            x = tf.constant(X)
            tape.watch(x)
            y = tf.reduce_sum(each(x) * tf.range(4.0))
        gradients.append(tape.gradient(y, x).numpy().tolist())
    assert gradients[0] == gradients[1]


def test_a_model_trains_saves_loads_and_is_finished(tmp_path):
    made = compressor(NAME, softmax="softmax", gelu="gelu")
    prepared = small_models.compiled(made.prepare(model(), X))
    small_models.fit(prepared, [made.keras_callback()])
    assert not np.array_equal(
        inside(prepared.get_layer("up")).get_weights()[0], model().get_layer("up").get_weights()[0]
    )
    prepared.save(tmp_path / "prepared.keras")
    again = compressor(NAME, softmax="softmax", gelu="gelu")
    loaded = load_model(tmp_path / "prepared.keras")
    again.attach(loaded)
    assert said(again, loaded) == said(made, prepared) != said(made, made.prepare(model()))
    finished = again.finish(loaded)
    np.testing.assert_array_equal(finished(X), prepared(X))
    assert {type(layer).__name__ for layer in finished.layers} >= {"ApproximateSoftmax", "LayerNormalization"}


def test_an_unprepared_model_is_refused():
    with pytest.raises(ConfigError, match="has nothing of this compressor"):
        compressor(NAME, softmax="softmax").attach(model())


@pytest.mark.parametrize("operators_first", [True, False])
def test_it_composes_with_pruning_and_rounding(operators_first):
    members = [
        {"name": NAME, "softmax": "softmax", "gelu": "gelu"},
        {"name": "magnitude_pruning", "sparsity": 0.5, "schedule": "one_shot"},
        {"name": "layer_formats", "weights": "BFP16_64", "before_activation": "FLOAT16"},
    ]
    made = compressor("chain", members=members if operators_first else [*members[1:], members[0]])
    prepared = made.prepare(model(), X)
    made.update(0)
    assert isinstance(prepared.get_layer("up"), Compressed)
    assert prepared.get_layer("up").activation == approximation("gelu")
    report = made.report(prepared)
    found = {place: what.partition(",")[0] for place, what in report.activations.items() if "off by" in what}
    assert found == {"up output": "gelu<poly2", "softmax output": "softmax<base2"}
    assert [(row.layer, row.sparsity) for row in report.compressed] == [("up", 0.5), ("logits", 0.5)]
    finished = made.finish(prepared)
    np.testing.assert_array_equal(finished(X), prepared(X))


def test_a_rule_set_takes_what_there_is():
    made = compressor(NAME, rule_set="basic")
    prepared = made.prepare(model())
    assert said(made, prepared) == [
        "up output: gelu<poly2,float16>",
        "norm output: layernorm<legacy,float16>",
        "softmax output: softmax<base2,float16>",
    ]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"silu": "silu"}, "approximated_operators.silu: no layer of model .* computes silu. Received: 'silu'"),
        (
            {"gelu": "gelu", "rules": [{"match": {"name": "up"}, "do": {"softmax": "softmax"}}]},
            r"approximated_operators.rules\[0\].do.softmax: no layer of model .* computes softmax",
        ),
        ({"gelu": "gelu", "rules": [{"match": {"name": "upp"}, "do": "skip"}]}, "Did you mean `up`"),
        ({}, "nothing of model .* is to be approximated. Name an approximation"),
        ({"rule_set": "fp8"}, "nothing of model .* is to be approximated"),
    ],
)
def test_settings_without_effect_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        compressor(NAME, **settings).prepare(model())


def test_a_softmax_inside_of_attention_is_named():
    inputs = keras.Input((3, 4))
    attention = keras.Model(inputs, keras.layers.MultiHeadAttention(1, 2, name="heads")(inputs, inputs))
    with pytest.raises(
        ConfigError, match=r"Layer `heads` \(MultiHeadAttention\) has one inside, which cannot be reached"
    ):
        compressor(NAME, softmax="softmax").prepare(attention)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"softmax": "gelu"}, ConfigError, "`softmax` must be an approximation of softmax. Received: softmax='gelu'"),
        ({"softmax": "softmx"}, UnknownNameError, "Did you mean `softmax`"),
        ({"softmax": "softmax", "rule_set": "basic"}, ConfigError, "`rule_set` must be None where operators are named"),
        (
            {"rules": [{"match": {"weight": "kernel"}, "do": {"gelu": "gelu"}}]},
            ConfigError,
            r"`rules\[0\].match.weight` has no effect",
        ),
    ],
)
def test_impossible_settings_are_refused(settings, error, message):
    with pytest.raises(error, match=message):
        compressor(NAME, **settings)
