"""Tests of filter pruning: what each score says of small weights, and which channels go."""

import time

import keras
import numpy as np
import pytest

from source.compressor.build import compressor
from source.config.errors import ConfigError, DataError
from tests.compressor import channel_models
from tests.compressor.channel_models import widths
from tests.compressor.small_models import dense

AT_ONCE = {"schedule": "one_shot", "begin_step": 0}
KERNEL = [[3.0, -1.0, 2.0, 0.5], [1.0, 2.0, -2.0, 0.5]]  # a row an input
READER = [[1.0], [1.0], [1.0], [1.0]]


def prepared(model=None, calibration=None, **settings):
    pruning = compressor("filter_pruning", **{**AT_ONCE, **settings})
    pruning.prepare(model or dense(KERNEL, READER), calibration)
    return pruning


def scores(model=None, calibration=None, **settings):
    pruning = prepared(model, calibration, **settings)
    return [score.tolist() for score in pruning.scores(pruning.chosen(pruning.groups))]


def kept(pruning):
    return [pruning.alive(group).astype(int).tolist() for group in pruning.chosen(pruning.groups)]


def test_magnitudes_are_means():
    assert scores(score="l1") == [[2.0, 1.5, 2.0, 0.5]]
    [found] = scores(score="l2")
    np.testing.assert_allclose(found, np.sqrt([5.0, 2.5, 4.0, 0.25]), rtol=1e-15)


def test_the_median_is_where_distances_to_the_others_are_least():
    [found] = scores(score="geometric_median")
    points = np.array(KERNEL).T
    expected = [sum(np.linalg.norm(one - other) for other in points) for one in points]
    np.testing.assert_allclose(found, expected, rtol=1e-15)
    pruning = prepared(score="geometric_median", sparsity=0.25)
    pruning.update(0)
    assert kept(pruning) == [[int(place != np.argmin(expected)) for place in range(4)]]


def test_channels_that_are_added_have_the_mean_of_their_scores():
    model = channel_models.residual()
    model.get_layer("stem").kernel.assign(np.arange(12.0).reshape(1, 1, 3, 4))
    model.get_layer("branch").kernel.assign(np.ones((1, 1, 6, 4)))
    assert scores(model)[0] == [2.5, 3.0, 3.5, 4.0]


def test_scales_of_normalizations_are_scores():
    model = channel_models.plain()
    model.get_layer("norm").gamma.assign([0.5, -3.0, 1.0, 0.0])
    assert scores(model, score="batch_norm") == [[0.5, 3.0, 1.0, 0.0], [1.0, 1.0, 1.0, 1.0]]
    pruning = prepared(model, score="batch_norm")
    pruning.update(0)
    assert kept(pruning) == [[0, 1, 1, 0], [1, 1, 0, 0]]


def test_groups_without_what_is_scored_are_named():
    pruning = prepared(channel_models.residual(), score="batch_norm")
    assert [group.name for group in pruning.chosen(pruning.groups)] == ["stem"]
    reason = 'no normalization with a trained scale makes them, which score="batch_norm" looks at'
    assert f"inner: 6 channels stay: {reason}" in pruning.report(pruning.model).notes
    with pytest.raises(ConfigError, match=rf"no channel of model .* may go\. `a`: {reason}"):
        prepared(score="batch_norm")


def test_random_scores_are_those_of_the_seed():
    first, again, other = (scores(score="random", seed=seed) for seed in (1, 1, 2))
    assert first == again != other
    assert sorted(first[0]) == [0.0, 1.0, 2.0, 3.0]


def test_taylor_is_what_the_loss_would_change_by():
    x = np.random.default_rng(0).normal(size=(100, 2))
    y = np.random.default_rng(1).normal(size=(100, 1))
    [found] = scores(calibration=(x, y), score="taylor", loss="mse")
    squares = []
    for part in (slice(0, 64), slice(64, None)):  # batches of 64
        hidden = x[part] @ np.array(KERNEL)
        error = 2.0 * (hidden.sum(1, keepdims=True) - y[part])
        squares.append(np.mean(error * hidden, 0) ** 2)
    np.testing.assert_allclose(found, np.mean(squares, 0), rtol=1e-5)  # float32 gradients


def test_taylor_looks_at_normalizations_where_there_are_any():
    x, y = np.random.default_rng(0).normal(size=(8, 4, 4, 3)), np.ones((8, 2))
    model = channel_models.plain()
    model.get_layer("norm").gamma.assign([0.0, 1.0, 1.0, 1.0])  # a channel without scale and offset changes nothing
    pruning = prepared(model, (x, y), score="taylor", loss="mse")
    before = [np.array(each) for each in pruning.model.get_weights()]
    first, second = pruning.scores(pruning.chosen(pruning.groups))
    assert first[0] == 0.0 and (first[1:] > 0).any() and (second > 0).any()
    for old, new in zip(before, pruning.model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_taylor_takes_the_loss_of_the_model_in_training():
    x, y = np.ones((8, 2)), np.ones((8, 1))
    pruning = prepared(calibration=(x, y), score="taylor")
    with pytest.raises(ConfigError, match=r"^loss: model .* is not compiled with one, and score taylor needs one\."):
        pruning.update(0)
    pruning.model.compile("sgd", "mae")
    pruning.update(0)
    assert sum(kept(pruning)[0]) == 2


def test_taylor_asks_for_labelled_examples():
    message = (
        r'^filter_pruning: score="taylor" needs examples with labels: `prepare\(model, calibration=\(x, y\)\)`\. '
        r"Received: ndarray\.$"
    )
    with pytest.raises(ConfigError, match=message):
        prepared(calibration=np.ones((8, 2)), score="taylor")
    with pytest.raises(DataError, match=r"expected equally many inputs and labels, at least one\. Received: \[7, 8\]"):
        prepared(calibration=(np.ones((8, 2)), np.ones((7, 1))), score="taylor")


def test_taylor_needs_the_examples_again_for_a_loaded_model():
    first = prepared(calibration=(np.ones((8, 2)), np.ones((8, 1))), score="taylor", loss="mse")
    again = compressor("filter_pruning", **AT_ONCE, score="taylor", loss="mse")
    again.attach(first.model)
    with pytest.raises(ConfigError, match=r'score="taylor" has no examples: .*take_examples\(\(x, y\)\)` before'):
        again.update(0)
    again.take_examples((np.ones((8, 2)), np.ones((8, 1))))
    again.update(0)
    first.update(0)
    assert kept(again) == kept(first)


def test_taylor_works_beside_a_teacher():
    members = [{"name": "filter_pruning", **AT_ONCE, "score": "taylor", "loss": "mse"}, {"name": "distillation"}]
    both = compressor("chain", members=members)
    prepared_model = both.prepare(dense(KERNEL, READER), (np.ones((8, 2)), np.ones((8, 1))))
    both.update(0)
    assert widths(both.finish(prepared_model), "a") == [2]


def test_with_one_scope_the_least_of_all_go_down_to_the_floor():
    model = dense([[4.0, 5.0, 6.0, 7.0]], np.eye(4)[:, :4] + 0.01, READER)
    pruning = prepared(model, scope="global", sparsity=0.5)
    pruning.update(0)
    assert kept(pruning) == [[1, 1, 1, 1], [1, 0, 0, 0]]  # one channel always stays
    pruning = prepared(model, scope="global", sparsity=0.5, least_density=0.5)
    pruning.update(0)
    assert kept(pruning) == [[1, 1, 1, 1], [1, 1, 0, 0]]


def test_each_group_loses_its_share():
    model = dense([[4.0, 5.0, 6.0, 7.0]], np.diag([1.0, 2.0, 3.0, 4.0]), READER)
    pruning = prepared(model, rules=[{"match": {"name": "b"}, "do": {"sparsity": 0.75}}])
    pruning.update(0)
    assert kept(pruning) == [[0, 0, 1, 1], [0, 0, 0, 1]]


def test_widths_are_multiples_where_they_were_as_wide():
    pruning = prepared(channel_models.concatenated(), multiple=4, sparsity=0.7)
    pruning.update(0)
    finished = pruning.finish(pruning.model)
    assert widths(finished, "wide", "narrow", "mix") == [4, 4, 4]
    pruning = prepared(channel_models.concatenated(), multiple=4, sparsity=0.3)
    pruning.update(0)
    assert widths(pruning.finish(pruning.model), "wide", "narrow", "mix") == [8, 4, 4]


def test_a_model_that_multiples_leave_whole_is_not_finished():
    pruning = prepared(channel_models.concatenated(), multiple=4, sparsity=0.1)
    pruning.update(0)
    with pytest.raises(ConfigError, match=r"no channel has been taken out: .* `multiple` and `least_density` keep all"):
        pruning.finish(pruning.model)


def test_what_is_out_stays_out_on_the_way_and_comes_back_only_in_cycles():
    once = {"begin_step": 0, "end_step": 4, "every_steps": 2, "power": 1.0, "sparsity": 0.5}
    settings = {"polynomial": once, "cyclic": {**once, "end_step": 8, "cycles": 2}}
    for schedule, expected in (("polynomial", [4, 3, 2]), ("cyclic", [4, 3, 2, 3, 2])):
        pruning, found, step = prepared(schedule=schedule, **settings[schedule]), [], -1
        while (step := pruning.next_update(step)) is not None:
            pruning.update(step)
            found.append(sum(kept(pruning)[0]))
        assert found == expected
    pruning = prepared(schedule="polynomial", **once)
    pruning.update(2)
    gone = kept(pruning)[0].index(0)
    kernel = np.array(KERNEL)
    kernel[:, gone] = 100.0
    pruning.model.get_layer("a").layer.kernel.assign(kernel)
    pruning.update(4)
    assert kept(pruning)[0][gone] == 0 and sum(kept(pruning)[0]) == 2


def branch_gone(name: str = "inner") -> list:
    return [{"match": {"name": name}, "do": {"sparsity": 1.0}}, {"match": {"name": "^stem$|^branch$"}, "do": "skip"}]


def test_a_whole_branch_goes_and_the_sum_does_without_it():
    model = channel_models.residual()
    rng = np.random.default_rng(0)
    for variable in model.weights:
        variable.assign(rng.uniform(0.5, 1.5, variable.shape))
    pruning = prepared(model, rules=branch_gone())
    pruning.update(0)
    smaller = pruning.finish(pruning.model)
    assert [layer.name for layer in smaller.layers if layer.weights] == ["stem", "norm0", "last"]
    images = rng.normal(size=(3, 4, 4, 3)).astype("float32")
    np.testing.assert_array_equal(smaller(images), pruning.model(images))
    left, whole = pruning.report(pruning.model).notes[-1].split(", ")[0].removeprefix("parameters: ").split(" of ")
    trained = [sum(int(np.prod(each.shape)) for each in one.trainable_weights) for one in (smaller, model)]
    assert [int(left), int(whole.split(" ")[0])] == trained


def test_a_branch_goes_little_by_little_and_what_it_adds_in_the_end():
    pruning = prepared(
        channel_models.residual(), rules=branch_gone(), schedule="polynomial", power=1.0, end_step=2, every_steps=1
    )
    beta = pruning.model.get_layer("norm1")
    beta.layer.beta.assign([1.0, 2.0, 3.0, 4.0])
    seen = []
    for step in range(3):
        pruning.update(step)
        seen.append((sum(kept(pruning)[0]), np.asarray(beta.seen_weight("beta")).tolist()))
    assert seen == [(6, [1.0, 2.0, 3.0, 4.0]), (3, [1.0, 2.0, 3.0, 4.0]), (0, [0.0, 0.0, 0.0, 0.0])]


def test_what_is_no_branch_cannot_go():
    with pytest.raises(ConfigError, match=r"Layer `last` would read nothing, but it stays: it is an output"):
        prepared(channel_models.plain(), rules=[{"match": {"name": "second"}, "do": {"sparsity": 1.0}}])


def test_a_branch_that_makes_something_of_zeros_cannot_go():
    inputs = keras.Input((4,))
    x = keras.layers.Dense(3, name="stem")(inputs)
    y = keras.layers.Dense(3, activation="sigmoid", name="branch")(keras.layers.Dense(2, name="inner")(x))
    model = keras.Model(inputs, keras.layers.Dense(2, name="last")(keras.layers.Add()([x, y])))
    with pytest.raises(ConfigError, match=r"Layer `branch` makes something even of zeros, so that the branch"):
        prepared(model, rules=branch_gone())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sparsity": 1.1}, r"`sparsity` must be above 0 and at most 1\. Received: sparsity=1\.1\."),
        (
            {"sparsity": 1.0, "scope": "global"},
            r'`sparsity` must be below 1 when scope="global"\. Received: sparsity=1\.0',
        ),
        ({"least_density": 1.0}, r"`least_density` must be at least 0 and below 1\."),
        ({"multiple": 0}, r"`multiple` must be at least 1\. Received: multiple=0\."),
        ({"initial_sparsity": 1.0}, r"`initial_sparsity` must be at least 0 and below 1\."),
        ({"loss": "mse"}, r'`loss` must be None but for score="taylor"\. Received: loss=\'mse\'\.'),
        (
            {"scope": "global", "rules": [{"match": {"name": "a"}, "do": {"sparsity": 0.3}}]},
            r'`rules` must be such that they only skip when scope="global"\.',
        ),
        ({"score": "l3"}, r"score"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        compressor("filter_pruning", **settings)


@pytest.mark.slow
def test_an_update_of_a_large_model_is_quick():
    model = keras.applications.ResNet50(weights=None, input_shape=(32, 32, 3), classes=10)
    pruning = prepared(model, scope="global")
    started = time.process_time()
    pruning.update(0)
    assert time.process_time() - started < 5.0  # 0.3 s alone; looking wrappers up for every group takes 6 s and more
