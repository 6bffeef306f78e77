"""Tests of `source.compressor.morphnet` with gates: what reads through them, the loss, budgets, and the contract."""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from source.compressor.build import compressor
from source.config.errors import ConfigError, TrainingError
from source.graph.channel_cost import channel_cost
from source.layer.compressed import compressed_layers, transformations_of
from source.layer.gated_kernel import GatedKernel
from source.layer.load_model import load_model
from source.layer.stochastic_gates import StochasticGates
from source.numeric.noise import logistic
from tests.compressor import cases, channel_models, test_contract
from tests.compressor.cases import Case, made
from tests.compressor.test_morphnet import chain, drawn, term
from tests.layer.kinds import equal

GATES = {"regularizer": "logistic_sigmoid", "end_step": 4, "every_steps": 2}
X = np.random.default_rng(2).normal(size=(5, 4, 4, 3)).astype(np.float32)


def prepared(model, **settings):
    found = compressor("morphnet", **{**GATES, **settings})
    return found, found.prepare(model)


def gates_of(model):
    [found] = [each for each in transformations_of(model) if isinstance(each, StochasticGates)]
    return found


def draws(layer):
    return any(isinstance(each, StochasticGates) for _, each in layer.transformations())


def readers(model):
    """Returns the paths of the kernels that read through gates, with the axis."""
    return {
        f"{layer.name}/{place}": each.axis
        for layer in compressed_layers(model)
        for place, each in layer.transformations()
        if isinstance(each, GatedKernel)
    }


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-np.asarray(x, np.float64)))


def passing():
    """Returns a model in which channels pass through much before they are read."""
    inputs = keras.Input((4, 4, 3))
    x = layers.Conv2D(6, 1, name="stem")(inputs)
    x = layers.ReLU()(layers.BatchNormalization(name="norm")(x))
    x = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, name="depthwise")(x)
    s = layers.Dense(3, activation="relu", name="squeeze")(layers.GlobalAveragePooling2D(keepdims=True)(x))
    x = x * layers.Dense(12, activation="sigmoid", name="excite")(s)
    x = layers.SeparableConv2D(4, 3, padding="same", name="separable")(x)
    x = layers.Conv2DTranspose(4, 2, name="transposed")(x)
    x = layers.EinsumDense("bhwc,cd->bhwd", (5, 5, 5), name="einsum")(x)
    x = layers.LSTM(4, name="lstm")(layers.Reshape((25, 5))(x))
    return keras.Model(inputs, layers.Dense(2, name="last")(x))


def test_kernels_that_sum_over_channels_read_through_gates_and_no_others():
    _, model = prepared(passing())
    assert readers(model) == {
        "squeeze/kernel": 0,
        "excite/kernel": 0,
        "separable/pointwise_kernel": 2,
        "transposed/kernel": 3,
        "einsum/kernel": 0,
        "lstm/lstm_cell/kernel": 0,
        "lstm/lstm_cell/recurrent_kernel": 0,
        "last/kernel": 0,
    }
    places = [layer.name for layer in compressed_layers(model) if draws(layer)]
    assert places == ["stem"] and gates_of(model).channels == 6 + 3 + 4 + 4 + 5 + 4


@pytest.mark.parametrize("training", [True, False])
def test_a_gated_kernel_is_a_gated_activation(training):
    model = drawn(channel_models.plain())
    found, gated = prepared(model, temperature=1.0, seed=3)
    found._loss.logits.assign([0.5, -0.5, 1.0, 2.0, -1.0, 0.0, 3.0, 0.2])
    for name in ("norm", "norm2"):  # the same numbers in training
        gated.get_layer(name).layer.trainable = model.get_layer(name).trainable = False
    outputs = gated(X, training=training)
    mask = np.asarray(found._loss.mask(training))
    x = model.get_layer("norm")(model.get_layer("first")(X))
    x = keras.ops.relu(x) * mask[:4]
    x = keras.ops.relu(model.get_layer("norm2")(model.get_layer("second")(x))) * mask[4:]
    expected = model.get_layer("last")(keras.ops.mean(x, axis=(1, 2)))
    # Products come in another order: a few ulps of sums near 1.
    np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("compiled", [False, True])
def test_all_kernels_of_a_step_see_the_same_draw(compiled):
    inputs = keras.Input((4, 4, 3))
    x = layers.Conv2D(8, 1, name="stem")(inputs)
    ends = [layers.Conv2D(2, 1, use_bias=False, name=name)(x) for name in ("one", "two", "three")]
    found, model = prepared(keras.Model(inputs, ends), temperature=0.7)
    stem = model.get_layer("stem").layer
    stem.kernel.assign(np.zeros(stem.kernel.shape))
    stem.bias.assign(np.ones(8))
    for name in ("one", "two", "three"):
        kernel = model.get_layer(name).layer.kernel
        kernel.assign(np.full(kernel.shape, 2.0**-3))
    call = tf.function(lambda: model(X, training=True)) if compiled else lambda: model(X, training=True)
    sums = []
    for step in range(3):
        outputs = [float(each[0, 0, 0, 0]) for each in call()]
        assert outputs[0] == outputs[1] == outputs[2]
        assert outputs[0] == pytest.approx(float(np.mean(found._loss.mask(training=True))), rel=1e-6)
        assert int(found._loss.draws) == step + 1
        sums.append(outputs[0])
    assert len(set(sums)) == 3


def test_a_layer_that_is_called_several_times_draws_once_a_step():
    inputs = keras.Input((4, 4, 3))
    shared = layers.Conv2D(3, 3, padding="same", name="shared")
    x = layers.Conv2D(3, 1, name="end")(shared(layers.Conv2D(3, 1, name="first")(inputs)))
    both = keras.Model(inputs, layers.Conv2D(2, 1, name="last")(shared(x)))
    found, model = prepared(both, rules=[{"match": {"name": "first"}, "do": "skip"}])
    model(X, training=True)
    assert int(found._loss.draws) == found._loss.calls == 2
    before = np.asarray(found._loss.noise)
    np.testing.assert_array_equal(before, logistic(3, 0, 0))
    model(X, training=True)
    assert not np.isin(np.asarray(found._loss.noise), before).any()


@pytest.mark.parametrize("on_mask", [True, False])
def test_the_loss_is_the_cost_of_gates_or_of_their_probabilities(on_mask):
    found, model = prepared(chain(), strength=2.0, budget=None, temperature=1.0, regularize_on_mask=on_mask)
    logits = np.linspace(-4.0, 4.0, 14).astype(np.float32)
    found._loss.logits.assign(logits)
    found.update(0)
    [loss] = term(model)
    r = np.asarray(found._loss.mask(training=True), np.float64) if on_mask else sigmoid(logits)
    alive = r >= 0.1
    a, b = alive[:8].sum(), alive[8:].sum()
    expected = 16 * 27 * r[:8].sum() + 16 * (a * r[8:].sum() + b * r[:8].sum()) + 2 * r[8:].sum()
    assert loss == pytest.approx(2.0 * expected / (16 * 27 * 8 + 16 * 8 * 6 + 6 * 2), rel=1e-5)


def test_the_gradient_of_a_logit_is_its_price_times_the_slope_of_the_sigmoid():
    found, model = prepared(chain(), strength=3.0, budget=None, regularize_on_mask=False)
    found.update(0)
    with tf.GradientTape() as tape:
        model(np.zeros((2, 4, 4, 3), np.float32), training=True)
        [loss] = model.losses
    p = float(sigmoid(2.5))
    price = 3.0 * 16 * (27 + 6) / (16 * 27 * 8 + 16 * 8 * 6 + 6 * 2)
    gradient = tape.gradient(loss, found._loss.logits.value)
    np.testing.assert_allclose(gradient[:8], np.full(8, price * p * (1 - p)), rtol=1e-5)


def test_a_channel_is_alive_at_the_threshold_and_above():
    found, _ = prepared(chain(), alive_threshold=0.5)
    found._loss.logits.assign([0.0] * 3 + [-1e-6] * 5 + [20.0] * 6)
    assert found.alive_counts() == {"first/Conv2D": 3, "second/Conv2D": 6}


@pytest.mark.parametrize("target", ["flops", "model_size", "activation", "latency"])
def test_a_budget_is_met_by_the_channels_of_the_least_logits(target):
    model = drawn(chain())
    found, gated = prepared(model, target=target, hardware="P100", budget=0.6, log_odds_init=40.0)
    logits = 40.0 + np.random.default_rng(3).permutation(14).astype(np.float32)
    found._loss.logits.assign(logits)
    for step in (0, 2, 4):
        found.update(step)
    finished = found.finish(gated)
    before, after = (channel_cost(each, hardware="P100").total(target) for each in (model, finished))
    assert after <= 0.6 * before
    assert found.cost_share() == pytest.approx(after / before, rel=1e-9)
    out = ~found._kept()
    assert logits[out].max() < logits[~out].min() and out.any()
    more = out.copy()
    more[np.where(out)[0][np.argmax(logits[out])]] = False  # with the last that went, it would not be met
    assert channel_cost(model, hardware="P100").total(target, ~more) > 0.6 * before


@pytest.mark.parametrize("soft_mask", [True, False])
def test_the_finished_model_is_the_prepared_one(soft_mask):
    model = made("image")
    found, gated = prepared(model, soft_mask=soft_mask, budget=0.6)
    batch = cases.batch_for(model, 8)
    if not soft_mask:  # all gates are open at first
        assert equal(gated(batch), model(batch))
    found._loss.logits.assign(np.random.default_rng(6).normal(size=8))
    found.update(4)
    kernel = np.asarray(gated.get_layer("logits").layer.kernel)
    seen = np.asarray(gated.get_layer("logits").seen_weight("kernel"))
    kept = found.alive(found.groups.group_of("stem")[0])
    assert 0 < kept.sum() < 8
    np.testing.assert_array_equal(seen, kernel * np.where(kept, found._loss.settled(), 0.0)[:, None])
    finished = found.finish(gated)
    np.testing.assert_array_equal(finished.get_layer("logits").kernel, seen[kept])
    # Sums over fewer channels come in another order: float32 rounds numbers near 1 by 6e-8.
    np.testing.assert_allclose(finished(batch), gated(batch), rtol=0.0, atol=2e-6)


def test_gates_that_have_ended_are_constant_in_training():
    found, gated = prepared(chain(), budget=0.6)
    found._loss.logits.assign(np.random.default_rng(6).normal(size=14))
    found.update(4)
    first, second = (np.asarray(gated(X, training=True)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(gated(X, training=True)) + sum(gated.losses)
    assert not np.any(tape.gradient(loss, found._loss.logits.value))


def test_channels_go_by_the_threshold_without_a_budget():
    found, gated = prepared(chain(), strength=1.0, budget=None)
    found._loss.logits.assign([-3.0] * 5 + [3.0] * 9)
    found.update(4)
    assert found.alive_counts() == {"first/Conv2D": 3, "second/Conv2D": 6}
    assert found.finish(gated).get_layer("first").filters == 3


def test_roundings_before_the_gates_stay_what_is_stored():
    members = [{"name": "quantize_aware"}, {"name": "morphnet", **GATES, "budget": 0.6}]
    model = made("image")
    both = compressor("chain", members=members)
    gated = both.prepare(model)
    batch = cases.batch_for(model, 8)
    gated(batch, training=True)
    gates_of(gated).logits.assign(np.random.default_rng(6).normal(size=8))
    before = np.asarray(gated.get_layer("logits").layer.kernel)
    both.update(4)
    after = np.asarray(gated.get_layer("logits").layer.kernel)
    np.testing.assert_allclose(after, before * gates_of(gated).settled()[:, None], rtol=1e-6)
    finished = both.finish(gated)
    # A last bit may go to the next of 255 levels.
    np.testing.assert_allclose(finished(batch), gated(batch), rtol=0.0, atol=2e-2)
    assert finished.get_layer("stem").filters < 8
    for name in ("pointwise", "logits"):
        layer = gated.get_layer(name)
        entering, seen = (
            np.asarray(each).reshape(-1, each.shape[-1])
            for each in (layer.weight("kernel"), layer.seen_weight("kernel"))
        )
        codes = seen / (np.abs(entering).max(0) / 127)
        np.testing.assert_allclose(codes, np.rint(codes), atol=1e-4)
        assert np.isin(finished.get_layer(name).kernel, seen).all()


def test_codes_that_stay_are_no_place_for_soft_gates():
    members = [{"name": "incremental_quantization"}, {"name": "morphnet", **GATES}]
    with pytest.raises(ConfigError, match=r"morphnet: `\w+`, `\w+` is rounded to codes that stay as they are, so that"):
        compressor("chain", members=members).prepare(made("image"))
    members[1]["soft_mask"] = False
    compressor("chain", members=members).prepare(made("image"))


def test_channels_that_something_else_reads_stay():
    inputs = keras.Input((6, 3))
    x = layers.Dense(8, name="both")(inputs)
    x = layers.Dense(5, name="inner")(layers.Attention(name="attention")([x, x]))
    found, gated = prepared(keras.Model(inputs, layers.Dense(2, name="last")(x)))
    notes = found.report(gated).notes
    assert "both: 8 channels stay: `attention` reads them without a kernel" in notes
    assert "inner: 5 of 5 channels kept" in notes


def test_a_loaded_model_is_the_saved_one_at_once_and_trains_when_taken_up(tmp_path):
    found, gated = prepared(chain(), end_step=100, temperature=0.5)
    gated(X, training=True)
    found._loss.logits.assign(np.random.default_rng(6).normal(size=14))  # unseen by any look
    gated.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    assert equal(loaded(X), gated(X))
    with pytest.raises(TrainingError, match=r"call `compressor.attach\(model\)` with the `morphnet` compressor"):
        loaded(X, training=True)
    again = compressor("morphnet", **{**GATES, "end_step": 100, "temperature": 0.5})
    again.attach(loaded)
    assert equal(loaded(X, training=True), gated(X, training=True))
    assert int(again._loss.draws) == 2


def test_a_model_with_other_values_is_not_taken_up():
    other = compressor("morphnet").prepare(chain())
    with pytest.raises(ConfigError, match=r"the model was prepared with another regularizer than \"logistic_sigmoid\""):
        compressor("morphnet", **GATES).attach(other)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temperature": 0.0}, r"`temperature` must be positive. Received: temperature=0.0."),
        ({"alive_threshold": 1.0}, r"`alive_threshold` must be between 0 and 1. Received: alive_threshold=1.0."),
        ({"annealing_steps": 0}, r"`annealing_steps` must be positive, or None. Received: annealing_steps=0."),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        compressor("morphnet", **{**GATES, **settings})


CONTRACT = [
    function
    for name, function in vars(test_contract).items()
    if name.startswith("test_") and "story" in inspect.signature(function).parameters
]
LONG = (
    test_contract.test_compiled_training_is_training,
    test_contract.test_interrupted_training_goes_on_as_if_it_were_not,
)


@pytest.fixture
def gated_case(monkeypatch):
    case = Case(settings={**GATES, "temperature": 0.5}, tolerance=2e-6, models=("image", "attention"))
    monkeypatch.setitem(cases.CASES, "morphnet", case)
    test_contract.told.cache_clear()
    yield case
    test_contract.told.cache_clear()


@pytest.mark.slow
@pytest.mark.parametrize("model", ["image", "attention"])
def test_the_contract_of_compressors_holds(gated_case, model, tmp_path):
    assert len(CONTRACT) > 8
    story = test_contract.told("morphnet", model)
    for number, function in enumerate(CONTRACT):
        folder = tmp_path / str(number)
        folder.mkdir()
        function(story, **({"tmp_path": folder} if "tmp_path" in inspect.signature(function).parameters else {}))


@pytest.mark.slow
@pytest.mark.parametrize("function", LONG)
def test_the_long_contract_holds(gated_case, function, tmp_path):
    function("morphnet", **({"tmp_path": tmp_path} if "tmp_path" in inspect.signature(function).parameters else {}))
