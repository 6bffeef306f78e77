"""Tests of weight clustering: how many numbers are left, what trains, and what is counted."""

import keras
import numpy as np
import pytest

from source.compressor.build import compressor
from source.config.errors import ConfigError
from tests.compressor import small_models

NAME = "weight_clustering"
W = [[-1.0, -0.75, 0.0, 0.0], [0.5, 0.25, 1.5, 0.0]]
LAYERS = ("stem", "conv", "depthwise", "dense")


def clustering(**settings):
    return compressor(NAME, **{"clusters": 4, **settings})


def seen(model, name="a"):
    return keras.ops.convert_to_numpy(model.get_layer(name).seen_weight("kernel"))


def positions(model, name="conv"):
    [each] = [each for _, each in model.get_layer(name).transformations()]
    return keras.ops.convert_to_numpy(each.positions)


def test_weights_are_clustered_at_the_first_step():
    made = clustering(begin_step=2)
    given = small_models.dense(W)
    model = made.prepare(given)
    x = np.ones((1, 2), "float32")
    np.testing.assert_array_equal(model(x), given(x))
    made.update(1)
    assert seen(model).tolist() == W
    made.update(2)
    assert seen(model).tolist() == [[-0.875, -0.875, 0, 0], [0.375, 0.375, 1.5, 0]]


@pytest.mark.parametrize("assignments", ["fixed", "refreshed"])
@pytest.mark.parametrize("preserve", [True, False])
def test_finished_weights_have_no_more_numbers_than_clusters(assignments, preserve):
    made = clustering(assignments=assignments, preserve_sparsity=preserve, gradient="mean", every_steps=2, end_step=4)
    model = small_models.compiled(made.prepare(small_models.images()))
    small_models.fit(model, [made.keras_callback()], epochs=2)
    plain = made.finish(model)
    x = np.random.default_rng(0).normal(size=(3, 6, 6, 3)).astype("float32")
    np.testing.assert_array_equal(plain(x), model(x))
    for name in LAYERS:
        assert len(np.unique(keras.ops.convert_to_numpy(plain.get_layer(name).kernel))) <= 4


def test_the_codebook_trains_and_assignments_stay():
    made = clustering()
    model = small_models.compiled(made.prepare(small_models.images()))
    recorder = small_models.Recorder(lambda: (seen(model, "conv").copy(), positions(model)))
    small_models.fit(model, [made.keras_callback(), recorder])
    (first, before), (last, after) = recorder.seen[0], recorder.seen[-1]
    np.testing.assert_array_equal(before, after)
    assert np.all(first != last)


def test_weights_may_go_to_another_number():
    made = clustering(assignments="refreshed", every_steps=2, end_step=8, clusters=16)
    model = small_models.compiled(made.prepare(small_models.images()))
    recorder = small_models.Recorder(lambda: positions(model))
    small_models.fit(model, [made.keras_callback(), recorder], epochs=2)
    same = [np.array_equal(a, b) for a, b in zip(recorder.seen, recorder.seen[1:], strict=False)]
    assert same[0] and same[2] and not all(same)
    assert [made.next_update(step) for step in (-1, 0, 1, 2, 7, 8)] == [0, 2, 2, 4, 8, None]


def test_zeros_of_pruning_stay_zero_and_are_counted():
    members = [
        {"name": "magnitude_pruning", "sparsity": 0.75, "schedule": "one_shot"},
        {"name": NAME, "clusters": 8, "gradient": "mean"},
    ]
    made = compressor("chain", members=members)
    model = small_models.compiled(made.prepare(small_models.images()))
    small_models.fit(model, [made.keras_callback()])
    plain = made.finish(model)
    assert np.count_nonzero(plain.get_layer("conv").kernel) == 72
    [row] = [row for row in made.report(model).compressed if row.layer == "conv"]
    # 72 positions of 3 bits, a bitmap of 288 bits, 7 numbers of 4 bytes: less than 288 positions.
    assert (row.kept, row.bytes, row.how) == (72, 72 * 3 // 8 + 288 // 8 + 28, "TOPK{0.25} > 8 clusters")


def test_rules_give_layers_their_own_number():
    made = clustering(rules=[{"match": {"name": "b"}, "do": {"clusters": 2, "preserve_sparsity": False}}])
    model = made.prepare(small_models.dense(W, np.transpose(W)))
    made.update(0)
    assert [len(np.unique(seen(model, name))) for name in "ab"] == [4, 2]
    assert [row.bytes for row in made.report(model).compressed] == [2 + 12, 1 + 8]


def test_training_that_was_interrupted_goes_on_the_same(tmp_path):
    def make():
        return clustering(assignments="refreshed", every_steps=2, end_step=8, start="random")

    small_models.assert_resumes(make, small_models.images(), tmp_path)


def test_a_model_that_is_not_clustered_is_not_finished():
    made = clustering(begin_step=5)
    model = made.prepare(small_models.dense(W))
    with pytest.raises(ConfigError, match="nothing is clustered yet: that is done at step 5"):
        made.finish(model)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"clusters": 1}, "`clusters` must be from 2 to 4096. Received: clusters=1"),
        ({"begin_step": -1}, "`begin_step` must be at least 0"),
        ({"every_steps": 0}, "`every_steps` must be at least 1"),
        ({"assignments": "refreshed", "end_step": 50}, "`end_step` must be at least 100. Received: end_step=50"),
        ({"start": "kmeans"}, "start"),
        ({"rules": [{"do": {"clusters": 1}}]}, "`clusters` must be from 2 to 4096"),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(ConfigError) as error:
        clustering(**settings)
    assert message in str(error.value)
