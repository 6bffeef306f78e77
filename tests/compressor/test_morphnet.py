"""Tests of `source.compressor.morphnet`: the term by hand, budgets, strengths, refusals, files of structures."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from source.compressor.build import compressor
from source.config.errors import ConfigError, TrainingError
from source.graph.channel_cost import channel_cost
from source.layer.channel_regularizer import ChannelRegularizer
from source.layer.compressed import transformations_of
from source.layer.load_model import load_model
from source.surgery.widths import from_structure
from tests.compressor.cases import compiled, fit, made


def chain(scale=True):
    """Returns two convolutions with normalization and a dense layer."""
    inputs = keras.Input((4, 4, 3))
    x = layers.Conv2D(8, 3, padding="same", use_bias=False, name="first")(inputs)
    x = layers.ReLU()(layers.BatchNormalization(scale=scale, name="first_norm")(x))
    x = layers.Conv2D(6, 1, use_bias=False, name="second")(x)
    x = layers.ReLU()(layers.BatchNormalization(scale=scale, name="second_norm")(x))
    return keras.Model(inputs, layers.Dense(2, name="logits")(layers.GlobalAveragePooling2D()(x)), name="chain")


def plain():
    """Returns convolutions without normalization."""
    inputs = keras.Input((4, 4, 3))
    x = layers.Conv2D(4, 3, name="second")(layers.Conv2D(5, 1, name="first")(inputs))
    return keras.Model(inputs, layers.Dense(2, name="logits")(layers.Flatten()(x)), name="plain")


def drawn(model, seed=5):
    """Returns the model with weights by a seed."""
    draw = np.random.default_rng(seed)
    for weight in model.trainable_variables:
        weight.assign(draw.normal(size=weight.shape) * 0.5)
    return model


def loss_of(model):
    [found] = [each for each in transformations_of(model) if isinstance(each, ChannelRegularizer)]
    return found


def term(prepared, training=True):
    prepared(np.zeros((2, 4, 4, 3), np.float32), training=training)
    return [float(each) for each in prepared.losses]


def test_the_group_lasso_term_is_the_formula():
    model = drawn(chain())
    found = compressor("morphnet", strength=2.0, budget=None, threshold=0.0, l1_fraction=0.25)
    prepared = found.prepare(model)
    found.update(0)

    def r(name):
        rows = model.get_layer(name).kernel.numpy().reshape(-1, model.get_layer(name).kernel.shape[-1])
        return 0.75 * np.sqrt(np.square(rows).mean(0)) + 0.25 * np.abs(rows).mean(0)

    first, second = r("first").sum(), r("second").sum()
    cost = 16 * 27 * 8 + 16 * 8 * 6 + 6 * 2
    expected = (16 * 27 * first + 16 * (8 * second + 6 * first) + 2 * second) / cost
    assert term(prepared) == [pytest.approx(2.0 * expected, rel=1e-6)]
    assert term(prepared, training=False) == []


def test_the_gamma_term_counts_those_above_the_threshold_only():
    model = chain()
    first, second = np.linspace(-0.8, 0.9, 8), np.linspace(0.05, 0.3, 6)
    model.get_layer("first_norm").gamma.assign(first)
    model.get_layer("second_norm").gamma.assign(second)
    settings = {"regularizer": "gamma", "strength": 1.0, "budget": None, "relative": False, "threshold": 0.2}
    found = compressor("morphnet", target="model_size", **settings)
    prepared = found.prepare(model)
    found.update(0)
    alive = [int((np.abs(each) > 0.2).sum()) for each in (first, second)]
    sums = [np.abs(each).sum() for each in (first, second)]
    expected = 27 * sums[0] + alive[0] * sums[1] + alive[1] * sums[0] + 2 * sums[1]
    assert term(prepared) == [pytest.approx(expected / (27 * 8 + 48 + 12), rel=1e-6)]
    assert found.alive_counts() == {"first/Conv2D": alive[0], "second/Conv2D": alive[1]}
    assert found.cost_share() == (27 * alive[0] + alive[0] * alive[1] + 2 * alive[1]) / (27 * 8 + 48 + 12)


def test_the_gradient_of_a_scale_is_its_price_times_its_sign():
    model = chain()
    model.get_layer("first_norm").gamma.assign([-1.0] * 4 + [2.0] * 4)
    found = compressor("morphnet", regularizer="gamma", strength=3.0, budget=None)
    prepared = found.prepare(model)
    found.update(0)
    [scale] = [each for each in prepared.trainable_variables if "first_norm" in each.path and "gamma" in each.path]
    with tf.GradientTape() as tape:
        prepared(np.zeros((2, 4, 4, 3), np.float32), training=True)
        [loss] = prepared.losses
    gradient = tape.gradient(loss, scale.value)
    price = 3.0 * 16 * (27 + 6) / (16 * 27 * 8 + 16 * 8 * 6 + 6 * 2)
    np.testing.assert_allclose(gradient, [-price] * 4 + [price] * 4, rtol=1e-6)


def test_channels_that_are_added_have_the_largest_value_and_share_its_gradient_when_equal():
    model = made("image")
    found = compressor("morphnet", strength=1.0, budget=None)
    prepared = found.prepare(model)
    kernels = [model.get_layer(name).kernel.numpy().reshape(-1, 8) for name in ("stem", "pointwise")]
    expected = np.max([np.sqrt(np.square(each).mean(0)) for each in kernels], axis=0)
    np.testing.assert_allclose(loss_of(prepared).initial, expected, rtol=1e-6)


@pytest.mark.parametrize("target", ["flops", "model_size", "activation", "latency"])
@pytest.mark.parametrize("regularizer", ["group_lasso", "gamma"])
def test_a_budget_is_met_by_as_few_channels_as_can_be(target, regularizer):
    model = drawn(chain())
    settings = {"target": target, "regularizer": regularizer, "hardware": "P100", "budget": 0.6, "end_step": 4}
    found = compressor("morphnet", every_steps=2, **settings)
    prepared = found.prepare(model)
    fit(compiled(prepared), found.keras_callback())
    finished = found.finish(prepared)
    before, after = (channel_cost(each, hardware="P100").total(target) for each in (model, finished))
    assert after <= 0.6 * before
    assert found.cost_share() == pytest.approx(after / before, rel=1e-9)
    counts = found.alive_counts()
    assert counts == {f"{name}/Conv2D": finished.get_layer(name).filters for name in ("first", "second")}
    one = 1 - channel_cost(model, hardware="P100").total(target, np.arange(14) != 13) / before
    assert after / before > 0.6 - 6 * one  # a channel of the dearer layer costs less than six of the cheaper
    assert any(note.startswith(f"{target}: {after / before:.2%} of ") for note in found.report(prepared).notes)


def scale(prepared, factor):
    for layer in ("first", "second"):
        kernel = prepared.get_layer(layer).layer.kernel
        kernel.assign(kernel * factor)


def test_the_strength_finds_the_pace_at_which_channels_shrink_in_time():
    found = compressor("morphnet", budget=0.5, end_step=100, every_steps=10)
    prepared = found.prepare(drawn(chain()))
    strengths = []
    for step in (0, 10, 20):
        found.update(step)
        found.update(step)  # a second time at a step changes nothing
        strengths.append(float(loss_of(prepared).strength))
    assert strengths == pytest.approx([1.0, 2.0, 4.0], rel=1e-6)  # nothing shrinks: twice as strong
    scale(prepared, 0.95)
    found.update(30)
    now = float(loss_of(prepared).weighed)
    assert now == pytest.approx(float(found._function.share(np.full(14, 0.95, np.float32))), rel=1e-6)
    assert float(loss_of(prepared).strength) == pytest.approx(4.0 * (now - 0.5) / 7 / (1.0 - now), rel=1e-4)
    scale(prepared, 0.5)  # far below the budget: half as strong
    strength = float(loss_of(prepared).strength)
    found.update(40)
    assert float(loss_of(prepared).strength) == pytest.approx(strength / 2, rel=1e-6)


def test_relative_thresholds_do_not_see_the_scale_of_a_group():
    found = compressor("morphnet", strength=1.0, budget=None, threshold=0.9, end_step=100)
    prepared = found.prepare(drawn(chain()))
    before = found.alive_counts()
    scale(prepared, 1e-3)
    assert set(found.alive_counts().values()) == {0}
    found.update(0)
    assert found.alive_counts() == before


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [2.0, 2.0, 2.0, 2.0, 2.0]),
        ({"warm_up_steps": 40}, [0.0, 1.0, 2.0, 2.0, 2.0]),
        ({"schedule": "cosine"}, [2.0, 1 + 0.5**0.5, 1.0, 1 - 0.5**0.5]),
        ({"begin_step": 20, "warm_up_steps": 20}, [0.0, 0.0, 2.0, 2.0]),
    ],
)
def test_given_strengths_follow_their_schedule(settings, expected):
    found = compressor("morphnet", strength=2.0, budget=None, end_step=80, every_steps=20, **settings)
    prepared = found.prepare(drawn(chain()))
    for step, strength in zip(range(0, 80, 20), expected, strict=False):
        if found.next_update(step - 1) == step:
            found.update(step)
        assert float(loss_of(prepared).strength) == pytest.approx(strength, abs=1e-6), step


def test_channels_go_as_soon_as_the_budget_is_reached():
    model = drawn(chain())
    found = compressor("morphnet", budget=0.7, end_step=100, every_steps=10)
    prepared = found.prepare(model)
    found.update(0)
    kernel = prepared.get_layer("first").layer.kernel
    kernel.assign(np.where(np.arange(8) < 5, 0.0, kernel.numpy()))
    found.update(10)
    assert found.alive_counts()["first/Conv2D"] == 5
    assert float(loss_of(prepared).strength) == 0.0 and bool(loss_of(prepared).ended.numpy())
    share = found.cost_share()
    assert 0.6 < share <= 0.7
    found.update(20)
    assert found.cost_share() == share and float(loss_of(prepared).strength) == 0.0
    assert found.finish(prepared).count_params() < model.count_params()


def test_channels_can_go_little_by_little_and_stay_out():
    found = compressor("morphnet", budget=0.5, gradually=True, regularizer="gamma", end_step=4, every_steps=1)
    prepared = found.prepare(drawn(chain()))
    shares, before = [], None
    for step in range(5):
        found.update(step)
        kept = np.concatenate([found.alive(group) for group in found.chosen(found.groups)])
        assert before is None or not (kept & ~before).any()
        before = kept
        shares.append(found.cost_share())
    assert shares == sorted(shares, reverse=True)
    assert all(share <= 1 - 0.125 * step for step, share in enumerate(shares))
    assert shares[-1] > 0.4
    assert found.finish(prepared).count_params() < chain().count_params()


def test_widths_are_multiples_and_groups_keep_what_they_must():
    found = compressor("morphnet", budget=0.05, end_step=2, every_steps=1, multiple=4, least_channels=2)
    found.prepare(drawn(chain()))
    found.update(2)
    assert found.alive_counts() == {"first/Conv2D": 4, "second/Conv2D": 4}


def test_without_a_budget_those_below_the_threshold_go():
    model = drawn(chain())
    kernel = model.get_layer("first").kernel
    kernel.assign(np.where(np.arange(8) % 2 == 0, kernel.numpy() * 1e-4, kernel.numpy()))
    found = compressor("morphnet", strength=1.0, budget=None, end_step=10)
    found.prepare(model)
    found.update(10)
    assert found.alive_counts() == {"first/Conv2D": 4, "second/Conv2D": 6}


def test_nothing_below_the_threshold_is_no_result():
    found = compressor("morphnet", strength=1.0, budget=None, end_step=10, every_steps=5)
    prepared = found.prepare(drawn(chain()))
    with pytest.raises(
        ConfigError, match=r"morphnet: no channel has been taken out\b.*: the first step that does is 0"
    ):
        found.finish(prepared)
    found.update(10)
    with pytest.raises(
        ConfigError, match=r"no channel came down to its threshold by step 10. Give a larger `strength`"
    ):
        found.finish(prepared)


def test_structures_are_written_at_every_look(tmp_path):
    found = compressor("morphnet", end_step=4, every_steps=2, budget=0.5, structure_folder=str(tmp_path))
    prepared = found.prepare(drawn(chain()))
    fit(compiled(prepared), found.keras_callback())
    files = {path.name: json.loads(path.read_text()) for path in (tmp_path / "learned_structure").iterdir()}
    assert sorted(files) == ["alive_0", "alive_2", "alive_4"]
    assert files["alive_0"] == {"first/Conv2D": 8, "second/Conv2D": 6}
    assert files["alive_4"] == found.alive_counts() != files["alive_0"]
    assert (tmp_path / "learned_structure" / "alive_0").read_text().startswith('{\n  "first/Conv2D": 8,\n')


def test_gamma_needs_normalizations():
    message = (
        r'morphnet: regularizer="gamma" needs batch normalizations with a scale that trains. `first`: no batch '
        r'normalization follows; `second`: no batch normalization follows. Use regularizer="group_lasso".'
    )
    with pytest.raises(ConfigError, match=message):
        compressor("morphnet", regularizer="gamma").prepare(plain())


def test_gamma_needs_scales_that_train():
    with pytest.raises(
        ConfigError, match=r"`first`: `first_norm` has scale=False; `second`: `second_norm` has scale=F"
    ):
        compressor("morphnet", regularizer="gamma").prepare(chain(scale=False))
    frozen = chain()
    for name in ("first_norm", "second_norm"):
        frozen.get_layer(name).trainable = False
    with pytest.raises(ConfigError, match=r"`first`: `first_norm` is frozen"):
        compressor("morphnet", regularizer="gamma").prepare(frozen)


def test_groups_without_a_scale_stay_when_others_have_one():
    inputs = keras.Input((4, 4, 3))
    x = layers.BatchNormalization()(layers.Conv2D(8, 3, name="first")(inputs))
    x = layers.Dense(5, name="hidden")(layers.GlobalAveragePooling2D()(x))
    found = compressor("morphnet", regularizer="gamma", end_step=2, every_steps=1)
    prepared = found.prepare(keras.Model(inputs, layers.Dense(2, name="logits")(x)))
    assert "hidden: 5 channels stay: no batch normalization follows" in found.report(prepared).notes


def test_the_loss_counts_once_for_a_layer_that_is_called_twice():
    inputs = keras.Input((4, 4, 3))
    shared = layers.Conv2D(3, 3, padding="same", name="shared")
    x = layers.Conv2D(3, 1, name="end")(shared(layers.Conv2D(3, 1, name="first")(inputs)))
    both = keras.Model(inputs, layers.Conv2D(2, 1, name="last")(shared(x)))
    found = compressor("morphnet", strength=1.0, budget=None, rules=[{"match": {"name": "first"}, "do": "skip"}])
    prepared = found.prepare(drawn(both))
    found.update(0)
    r = np.asarray(found._values.values())
    alone = float(found._function.regularization(np.ones_like(r), r))
    assert sum(term(prepared)) == pytest.approx(alone, rel=1e-6)


def test_a_loaded_model_has_to_be_taken_up_before_it_trains(tmp_path):
    found = compressor("morphnet", end_step=4)
    found.prepare(chain()).save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    with pytest.raises(TrainingError, match=r"call `compressor.attach\(model\)` with the `morphnet` compressor"):
        loaded(np.zeros((1, 4, 4, 3), np.float32), training=True)
    found.attach(loaded)
    assert len(term(loaded)) == 1


def test_half_precision_trains_with_the_term_in_float32():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        found = compressor("morphnet", end_step=4, every_steps=2)
        prepared = found.prepare(chain())
        losses = fit(compiled(prepared), found.keras_callback())
    finally:
        keras.config.set_dtype_policy("float32")
    assert np.isfinite(losses).all() and found.finish(prepared).count_params() < prepared.count_params()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"l1_fraction": 2.0}, r"`l1_fraction` must be between 0 and 1. Received: l1_fraction=2.0."),
        ({"budget": 1.0}, r"`budget` must be between 0 and 1, or None. Received: budget=1.0."),
        ({"strength": -1.0}, r"`strength` must be at least 0, or None. Received: strength=-1.0."),
        ({"budget": None}, r"`strength` must be given when there is no `budget` to find it for."),
        ({"threshold": -1.0}, r"`threshold` must be at least 0. Received: threshold=-1.0."),
        ({"end_step": 0}, r"`end_step` must be behind `begin_step`. Received: end_step=0."),
        ({"every_steps": 0}, r"`every_steps` must be at least 1. Received: every_steps=0."),
        ({"multiple": 0}, r"`multiple` must be at least 1. Received: multiple=0."),
        ({"batch_size": 0}, r"`batch_size` must be at least 1. Received: batch_size=0."),
        (
            {"rules": [{"match": {"name": "first"}, "do": {"sparsity": 0.5}}]},
            r"`rules` must be such that they only skip",
        ),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        compressor("morphnet", **settings)


def test_a_structure_builds_the_network_that_came_out():
    model = drawn(chain())
    found = compressor("morphnet", budget=0.5, end_step=2, every_steps=1)
    prepared = found.prepare(model)
    found.update(2)
    finished = found.finish(prepared)
    rebuilt = from_structure(model, found.alive_counts(), weights=False)
    assert [tuple(each.shape) for each in rebuilt.weights] == [tuple(each.shape) for each in finished.weights]
