"""Tests of network slimming: the penalty over the steps, and the channels that go by their scales."""

import keras
import numpy as np
import pytest

from source.compressor.build import compressor
from source.config.errors import ConfigError
from source.layer.compressed import transformations_of
from source.layer.scale_penalty import ScalePenalty
from tests.compressor import channel_models
from tests.compressor.channel_models import widths

AT_ONCE = {"schedule": "one_shot", "begin_step": 10}


def prepared(model=None, scales=None, **settings):
    slimming = compressor("network_slimming", **{**AT_ONCE, **settings})
    model = model or channel_models.plain()
    for name, values in (scales or {}).items():
        model.get_layer(name).gamma.assign(values)
    slimming.prepare(model)
    return slimming


def kept(slimming):
    return [slimming.alive(group).astype(int).tolist() for group in slimming.chosen(slimming.groups)]


def strengths(slimming):
    return {float(each.strength) for each in transformations_of(slimming.model) if isinstance(each, ScalePenalty)}


SCALES = {"norm": [0.5, -3.0, 1.0, 0.25], "norm2": [0.1, 0.2, -0.3, 0.4]}


def test_the_least_scales_of_all_go_whatever_their_sign():
    slimming = prepared(scales=SCALES, sparsity=0.5)
    slimming.update(10)
    assert kept(slimming) == [[1, 1, 1, 0], [0, 0, 0, 1]]
    assert widths(slimming.finish(slimming.model), "first", "second") == [3, 1]


def test_each_group_may_lose_its_own_share():
    slimming = prepared(scales=SCALES, sparsity=0.5, scope="group")
    slimming.update(10)
    assert kept(slimming) == [[0, 1, 1, 0], [0, 0, 1, 1]]


def test_a_threshold_takes_out_what_is_below_it_and_leaves_one():
    slimming = prepared(scales=SCALES, threshold=0.5)
    slimming.update(10)
    assert kept(slimming) == [[1, 1, 1, 0], [0, 0, 0, 1]]
    slimming = prepared(scales=SCALES, threshold=0.5, least_density=0.5)
    slimming.update(10)
    assert kept(slimming) == [[1, 1, 1, 0], [0, 0, 1, 1]]


@pytest.mark.parametrize(("combine", "expected"), [("max", [4.0, 1.0, 2.0, 2.0]), ("mean", [2.0, 1.0, 1.5, 2.0])])
def test_several_scales_of_a_channel_are_combined(combine, expected):
    scales = {"norm0": [4.0, -1.0, 1.0, 2.0], "norm1": [0.0, 1.0, -2.0, 2.0]}
    slimming = prepared(channel_models.residual(), scales, combine=combine)
    [score] = slimming.scores(slimming.chosen(slimming.groups))
    assert score.tolist() == expected


def test_the_offset_of_a_channel_goes_with_it():
    model = channel_models.plain()
    model.get_layer("norm").beta.assign([1.0, 2.0, 3.0, 4.0])
    slimming = prepared(model, SCALES, sparsity=0.5)
    slimming.update(10)
    x = np.random.default_rng(0).normal(size=(2, 4, 4, 3)).astype("float32")
    finished = slimming.finish(slimming.model)
    assert finished.get_layer("norm").beta.numpy().tolist() == [1.0, 2.0, 3.0]
    # Products are added in another order: float32 rounds numbers near 1 by 6e-8.
    np.testing.assert_allclose(finished(x), slimming.model(x), atol=1e-6)


def test_the_penalty_is_the_sum_of_scales_of_channels_that_may_go():
    slimming = prepared(scales=SCALES, strength=0.5)
    slimming.update(0)
    x = np.zeros((2, 4, 4, 3), "float32")
    slimming.model(x, training=True)
    # float32 rounds 2.875 by 2e-7
    assert float(sum(slimming.model.losses)) == pytest.approx(0.5 * (4.75 + 1.0), abs=1e-6)
    slimming.take_out(slimming.chosen(slimming.groups)[0].channels[[1]])
    slimming.model(x, training=True)
    assert float(sum(slimming.model.losses)) == pytest.approx(0.5 * (1.75 + 1.0), abs=1e-6)
    slimming.model(x, training=False)
    assert slimming.model.losses == []


def test_a_normalization_that_is_called_twice_counts_once():
    slimming = prepared(channel_models.shared(), strength=0.5)
    slimming.update(0)
    slimming.model(np.zeros((2, 4, 4, 3), "float32"), training=True)
    assert float(sum(slimming.model.losses)) == pytest.approx(0.5 * 4, abs=1e-6)


def test_the_penalty_warms_up_and_ends_with_the_schedule():
    slimming = prepared(strength=0.5, warmup_steps=5)
    due, step = [], -1
    while (step := slimming.next_update(step)) is not None:
        due.append(step)
    assert due == [0, 1, 2, 3, 4, 5, 10]
    found = []
    for step in due:
        slimming.update(step)
        found.append(strengths(slimming))
    assert found == [{0.0}, {np.float32(0.1)}, {np.float32(0.2)}, {np.float32(0.3)}, {np.float32(0.4)}, {0.5}, {0.0}]
    assert slimming.first_step == 10


def test_the_penalty_is_whole_at_once_without_a_warmup():
    slimming = prepared(strength=0.5)
    assert [slimming.next_update(step) for step in (-1, 0, 10)] == [0, 10, None]
    assert [slimming.strength_at(step) for step in (0, 9, 10, 11)] == [0.5, 0.5, 0.0, 0.0]


def test_a_trained_model_has_smaller_scales():
    found = []
    for strength in (0.0, 1.0):
        keras.utils.set_random_seed(0)
        slimming = prepared(strength=strength)
        slimming.model.compile(keras.optimizers.SGD(0.02), "mse")
        x, y = np.random.default_rng(0).normal(size=(32, 4, 4, 3)), np.ones((32, 2))
        callback = slimming.keras_callback()
        slimming.model.fit(x, y, batch_size=4, shuffle=False, verbose=0, epochs=2, callbacks=[callback])
        found.append(float(keras.ops.sum(keras.ops.abs(slimming.model.get_layer("norm").layer.gamma))))
    assert found[1] < 0.9 * found[0]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"scale": False}, r"no batch normalization with a scale follows them all \(`scale=True`\)"),
        ({"trainable": False}, "their batch normalization is frozen, so that its scale is not trained"),
    ],
)
def test_groups_without_a_trained_scale_are_named(change, reason):
    inputs = keras.Input((3,))
    x = keras.layers.BatchNormalization(name="norm")(keras.layers.Dense(4, name="first")(inputs))
    x = keras.layers.BatchNormalization(**change)(keras.layers.Dense(4, name="second")(x))
    model = keras.Model(inputs, keras.layers.Dense(2, name="last")(x))
    slimming = prepared(model)
    assert [group.name for group in slimming.chosen(slimming.groups)] == ["first"]
    text = reason.replace("\\", "")
    assert f"second: 4 channels stay: {text}" in slimming.report(slimming.model).notes
    rules = [{"match": {"name": "second"}, "do": "skip"}]
    with pytest.raises(ConfigError, match=rf"rules\[0\]\.match: the channels of `second` stay anyway: {reason}"):
        prepared(model, rules=rules)


def test_a_network_without_normalization_is_refused_with_the_reason():
    with pytest.raises(ConfigError, match=r"no channel of model .* `wide`: no batch normalization with a scale"):
        prepared(channel_models.concatenated())


def test_a_schedule_that_begins_after_training_is_refused():
    slimming = prepared()
    with pytest.raises(ConfigError, match=r"its schedule begins at step 10, but training ends at step 9"):
        compressor("network_slimming", **AT_ONCE).attach(slimming.model, 9)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"strength": -1.0}, r"`strength` must be at least 0\. Received: strength=-1\.0\."),
        ({"warmup_steps": -1}, r"`warmup_steps` must be at least 0\. Received: warmup_steps=-1\."),
        ({"threshold": 0.0}, r"`threshold` must be positive, or None\. Received: threshold=0\.0\."),
        (
            {"rules": [{"match": {"name": "first"}, "do": {"sparsity": 0.3}}]},
            r'`rules` must be such that they only skip when scope="global"\.',
        ),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        compressor("network_slimming", **settings)
