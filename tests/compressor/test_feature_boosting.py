"""Tests of convolutions that compute only the channels that matter for an example."""

import keras
import numpy as np
import pytest
from keras import layers

from source.compressor.build import compressor
from source.config.errors import ConfigError
from source.layer.channel_gate import ChannelGate
from source.network import cifarnet
from source.surgery.rewrite import layers_of
from tests.layer.kinds import equal

NOW = {"schedule": "one_shot"}
X = np.random.default_rng(0).normal(size=(6, 4, 4, 3)).astype(np.float32)


def two() -> keras.Model:
    """Returns `one` and `two` with normalizations whose scales are 1, -2, 3, 4 and 1 to 4, and a head."""
    keras.utils.set_random_seed(5)
    inputs = keras.Input((4, 4, 3))
    x = layers.Conv2D(4, 3, padding="same", name="one")(inputs)
    x = layers.ReLU(name="relu")(layers.BatchNormalization(name="norm_one")(x))
    x = layers.MaxPooling2D(name="pool")(x)
    x = layers.Conv2D(4, 1, use_bias=False, name="two")(x)
    x = layers.GlobalAveragePooling2D(name="mean")(layers.BatchNormalization(name="norm_two")(x))
    model = keras.Model(inputs, layers.Dense(2, name="head")(x))
    model.get_layer("norm_one").gamma.assign([1.0, -2.0, 3.0, 4.0])
    model.get_layer("norm_one").beta.assign([0.5, 0.0, -0.5, 1.0])
    model.get_layer("norm_two").gamma.assign([1.0, 2.0, 3.0, 4.0])
    model(X, training=True)
    return model


def boosting(**more):
    return compressor("feature_boosting", **{"density": 0.5, **NOW, **more})


def gates(model: keras.Model) -> dict[str, ChannelGate]:
    return {layer.name: layer for layer in layers_of(model) if isinstance(layer, ChannelGate)}


def after(model: keras.Model, name: str) -> np.ndarray:
    """Returns what a layer gives for X."""
    return np.asarray(keras.Model(model.input, model.get_layer(name).output)(X))


def test_a_prepared_model_is_what_it_was():
    model = two()
    prepared = boosting().prepare(model)
    # The normalization multiplies by scale / deviation, the gate by one after the other: two roundings of 6e-8.
    np.testing.assert_allclose(prepared(X), model(X), rtol=1e-5, atol=1e-6)
    found = gates(prepared)
    assert list(found) == ["one_gate", "two_gate"]
    np.testing.assert_array_equal(found["one_gate"].sign, [1, -1, 1, 1])
    np.testing.assert_array_equal(found["one_gate"].beta, [0.5, 0.0, -0.5, 1.0])
    np.testing.assert_array_equal(prepared.get_layer("one_saliency").bias, [1, 2, 3, 4])
    np.testing.assert_array_equal(prepared.get_layer("one_saliency").kernel, np.zeros((3, 4)))
    norm = prepared.get_layer("norm_one")
    assert not norm.scale and not norm.center
    assert equal(norm.moving_variance, model.get_layer("norm_one").moving_variance)


def test_the_largest_saliencies_are_let_through():
    boosted = boosting()
    prepared = boosted.prepare(two())
    boosted.update(0)
    # Without training, saliencies are the scales without their signs: 3 and 4 are the largest of 1, 2, 3, 4.
    open_ones = (after(prepared, "one_gate") != 0).any((1, 2))
    np.testing.assert_array_equal(open_ones, [[False, False, True, True]] * 6)
    # They depend on the example once weights of the predictor do: the first channel wins where it sees much of input 0.
    kernel = np.zeros((3, 4), np.float32)
    kernel[0, 0] = 10.0
    prepared.get_layer("one_saliency").kernel.assign(kernel)
    saliency = 1.0 + 10.0 * np.abs(X).mean((1, 2))[:, 0]
    wins = saliency > 3.0
    assert wins.any()
    np.testing.assert_array_equal((after(prepared, "one_gate") != 0).any((1, 2))[:, 0], wins)
    np.testing.assert_array_equal((after(prepared, "one_gate") != 0).any((1, 2)).sum(1), [2] * 6)


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        ("l1", np.abs(X).mean((1, 2))),
        ("l2", np.square(X).mean((1, 2))),
        ("average", X.mean((1, 2))),
        ("max", X.max((1, 2))),
    ],
)
def test_the_predictor_sees_the_pooled_input(pool, expected):
    prepared = boosting(pool=pool).prepare(two())
    seen = keras.Model(prepared.input, prepared.get_layer("one_saliency").input)(X)
    np.testing.assert_allclose(seen, expected, rtol=1e-5, atol=1e-6)  # sums of 16 numbers in another order


def test_the_density_falls_step_by_step():
    boosted = boosting(schedule="polynomial", end_step=4, every_steps=2, power=1.0, density=0.25)
    prepared = boosted.prepare(two())
    counts = []
    for step in range(6):
        boosted.update(step)
        counts.append(int(gates(prepared)["one_gate"].kept))
    assert counts == [4, 4, 3, 3, 1, 1]  # 4 * 0.625 is 2.5, rounded up
    assert [boosted.next_update(step) for step in (-1, 0, 2, 4)] == [0, 2, 4, None]


def test_rules_give_layers_their_densities_and_skip_others():
    model = two()
    boosted = boosting(rules=[{"match": {"name": "two"}, "do": {"density": 0.75}}])
    prepared = boosted.prepare(model)
    boosted.update(0)
    assert {name: int(each.kept) for name, each in gates(prepared).items()} == {"one_gate": 2, "two_gate": 3}
    boosted = boosting(rules=[{"match": {"name": "two"}, "do": "skip"}])
    prepared = boosted.prepare(model)
    assert list(gates(prepared)) == ["one_gate"]
    rows = {(row.layer, row.weight): row.how for row in boosted.report(prepared).not_compressed}
    assert rows["two", "kernel"] == "skipped by a rule"
    assert rows["one", "kernel"] == "used for the channels that are let through"
    assert rows["one_saliency", "kernel"] == "predicts the saliency of channels"
    assert rows["head", "kernel"] == "makes no channels that are gated"
    assert rows["one_gate", "beta"] == "belongs to a gate"


def test_a_finished_model_is_plain_and_trains(tmp_path):
    boosted = boosting()
    prepared = boosted.prepare(two())
    boosted.update(0)
    prepared.get_layer("one_saliency").kernel.assign(np.random.default_rng(3).normal(size=(3, 4)))
    finished = boosted.finish(prepared)
    np.testing.assert_allclose(finished(X), prepared(X), rtol=0.0, atol=1e-6)  # a product and a sum may be fused
    finished.save(tmp_path / "model.keras")
    plain = keras.models.load_model(tmp_path / "model.keras")
    assert all(type(layer).__module__.startswith("keras.") for layer in layers_of(plain))
    assert equal(plain(X), finished(X))
    plain.compile("sgd", "mse")
    affine = plain.get_layer("one_gate").get_layer("affine")
    before = np.asarray(affine.bias)
    plain.fit(X, np.zeros((6, 2)), verbose=0)
    assert not equal(affine.bias, before)


def test_numbers_of_few_bits_are_gated_too():
    boosted = boosting()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        prepared = boosted.prepare(two())
    finally:
        keras.config.set_dtype_policy("float32")
    boosted.update(0)
    assert prepared.get_layer("one_gate").output.dtype == "bfloat16"
    finished = boosted.finish(prepared)
    assert finished.get_layer("relu").input.dtype == "bfloat16"
    np.testing.assert_allclose(finished(X), prepared(X), rtol=0.0, atol=2e-2)  # bfloat16 has 8 bits


def test_rounding_may_follow_in_a_chain():
    chain = compressor(
        "chain", members=[{"name": "feature_boosting", "density": 0.5, **NOW}, {"name": "quantize_aware"}]
    )
    prepared = chain.prepare(two())
    chain.update(0)
    prepared(X, training=True)  # ranges are found
    finished = chain.finish(prepared)
    # Rounded to 8 bits at every layer: what differs in the last bit of float32 may be rounded one step away.
    np.testing.assert_allclose(finished(X), prepared(X), rtol=0.0, atol=0.05)
    assert not any(isinstance(layer, ChannelGate) for layer in layers_of(finished))


def test_products_are_counted_in_both_ways():
    boosted = boosting()
    boosted.prepare(two())
    boosted.update(0)
    found = boosted.gated_cost()
    # 16 pixels of 27 x 4, 4 pixels of 4 x 4, and a head of 4 x 2.
    assert found.dense == 16 * 27 * 4 + 4 * 4 * 4 + 8
    assert found.direct == 16 * 27 * 2 + 4 * 4 * 2 + 8  # a pool stands between `one` and `two`
    assert found.followed == 16 * 27 * 2 + 4 * 2 * 2 + 4
    assert found.predictors == 3 * 4 + 4 * 4 and found.gates == 16 * 4 + 4 * 4
    assert found.computed == found.dense + 28 + 80
    assert str(found) == (
        "MACs: 1,800 without gates, 1,908 computed by Keras, which skips nothing; possible on a runtime that skips "
        "channels: 1,012 if zeros count in the next layer alone, 992 if they are followed through pools and dropout; "
        "108 of each for predictors and gates"
    )


def test_the_published_network_costs_what_is_published():
    boosted = boosting()
    boosted.prepare(cifarnet.build(cifarnet.Config(), keras.Input((32, 32, 3))))
    boosted.update(0)
    found = boosted.gated_cost()
    assert found.dense == 174_301_824
    # Mayo (https://github.com/deep-fry/mayo) counts of a predictor only the open inputs and outputs.
    direct = sum((3 * 32, 32 * 32, 32 * 64, 64 * 64, 128 * 64, 64 * 96, 96 * 96, 192 * 96))
    followed = direct - 64 * 64 - 96 * 96
    assert found.direct + found.gates + direct == 57_856_224
    assert found.followed + found.gates + followed == 44_239_136


def test_sums_and_joins_keep_what_either_has():
    inputs = keras.Input((4, 4, 3))
    norm = layers.BatchNormalization
    one = norm()(layers.Conv2D(8, 1, name="one")(inputs))
    two = norm()(layers.Conv2D(8, 1, name="two")(inputs))
    both, joined = layers.Add()([one, two]), layers.Concatenate()([one, inputs])
    ends = [layers.Conv2D(1, 1, name=name)(each) for name, each in (("three", both), ("four", joined))]
    boosted = boosting(density=0.25)
    boosted.prepare(keras.Model(inputs, ends))
    boosted.update(0)
    found = boosted.gated_cost()
    first = 2 * 16 * 3 * 2
    assert found.direct == first + 16 * 8 + 16 * 11
    assert found.followed == first + 16 * 4 + 16 * (2 + 3)


def test_models_that_cannot_be_gated_are_refused():
    inputs = keras.Input((4, 4, 3))
    bare = keras.Model(inputs, layers.Conv2D(4, 1, name="conv")(inputs), name="bare")
    message = r"model `bare` has no layer to gate: a Conv1D or Conv2D, called once, .* There is none."
    with pytest.raises(ConfigError, match=message):
        boosting().prepare(bare)
    with pytest.raises(ConfigError, match=r"All that could be are skipped by rules: `one`, `two`."):
        boosting(rules=[{"match": {"type": "Conv2D"}, "do": "skip"}]).prepare(two())
    prepared = boosting().prepare(two())
    with pytest.raises(ConfigError, match=r"has gates already."):
        boosting().prepare(prepared)


def test_a_convolution_that_others_use_or_that_is_shared_is_not_gated():
    inputs = keras.Input((4, 4, 3))
    used, shared = layers.Conv2D(3, 1, name="used"), layers.Conv2D(3, 1, name="shared")
    x = used(inputs)
    x = layers.Add()([layers.BatchNormalization()(x), x])
    x = layers.BatchNormalization()(shared(shared(x)))
    x = layers.BatchNormalization()(layers.Conv2D(3, 1, name="alone")(x))
    assert list(gates(boosting().prepare(keras.Model(inputs, x)))) == ["alone_gate"]


def test_an_unfinished_schedule_is_told():
    boosted = boosting(begin_step=7)
    prepared = boosted.prepare(two())
    boosted.update(0)
    with pytest.raises(ConfigError, match=r"no gate has let less than all through yet: .* closes some is 7\."):
        boosted.finish(prepared)
    whole = boosting(density=1.0)
    assert whole.finish(whole.prepare(two())).count_params() > 0  # all gates stay open, as was asked for


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"density": 0.0}, r"`density` must be in \(0, 1\]. Received: density=0.0."),
        ({"strength": -1.0}, r"`strength` must be at least 0. Received: strength=-1.0."),
        ({"initial_density": 2.0}, r"`initial_density` must be in \(0, 1\]. Received: initial_density=2.0."),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        boosting(**settings)
