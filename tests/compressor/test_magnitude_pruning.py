"""Tests of magnitude pruning: which weights go by which score, how many when, and what trains meanwhile."""

import keras
import numpy as np
import pytest

from source.compressor.build import compressor
from source.config.errors import ConfigError
from source.layer.observe import Observe
from tests.compressor import small_models

EIGHT = [[1, -2, 3, -4], [-5, 6, -7, 8]]
NAME = "magnitude_pruning"


def pruning(**settings):
    return compressor(NAME, **{"sparsity": 0.75, "end_step": 8, "every_steps": 2, **settings})


def masked(settings, *kernels, step=8, calibration=None):
    made = pruning(**settings)
    model = made.prepare(small_models.dense(*(kernels or (EIGHT,))), calibration)
    made.update(step)
    return made, model


def test_a_prepared_model_computes_the_same():
    model = small_models.images()
    x = np.random.default_rng(0).normal(size=(3, 6, 6, 3)).astype("float32")
    np.testing.assert_array_equal(pruning().prepare(model)(x), model(x))


def test_the_largest_magnitudes_stay():
    _, model = masked({})
    assert small_models.kept(model, "a").tolist() == [[0, 0, 0, 0], [0, 0, 1, 1]]


def test_the_least_of_all_layers_go_by_scope_global():
    kernels = (EIGHT, np.multiply(np.transpose(EIGHT), 2))
    _, model = masked({"scope": "global"}, *kernels)
    assert [int(small_models.kept(model, name).sum()) for name in "ab"] == [0, 4]
    _, model = masked({"scope": "global", "least_density": 0.125}, *kernels)
    assert [int(small_models.kept(model, name).sum()) for name in "ab"] == [1, 3]


def test_rules_skip_layers_and_give_them_their_own_sparsity():
    rules = [{"match": {"name": "b"}, "do": {"sparsity": 0.5}}, {"match": {"name": "c"}, "do": "skip"}]
    made, model = masked({"rules": rules}, EIGHT, np.transpose(EIGHT), EIGHT)
    assert [int(small_models.kept(model, name).sum()) for name in "ab"] == [2, 4]
    assert {row.layer: row.how for row in made.report(model).not_compressed} == {"c": "skipped by a rule"}


def test_pruned_weights_stay_pruned_unless_gradients_reach_them():
    found = {}
    for backward in ("masked", "ste"):
        made, model = masked({"backward": backward}, step=6)
        model.get_layer("a").variable("kernel").assign(np.array(EIGHT)[::-1])
        made.update(8)
        found[backward] = small_models.kept(model, "a").tolist()
    assert found == {"masked": [[0, 0, 0, 0], [0, 0, 1, 1]], "ste": [[0, 0, 1, 1], [0, 0, 0, 0]]}


def test_random_weights_are_those_of_the_seed():
    found = [small_models.kept(masked({"score": "random", "seed": seed})[1], "a").tolist() for seed in (0, 0, 1)]
    assert found[0] == found[1] != found[2]
    assert [np.sum(each) for each in found] == [2, 2, 2]


def test_wanda_weighs_by_the_inputs_of_the_calibration():
    kernel = [[1, 2], [3, 4], [5, 6]]
    # Root mean squares of the features: 10, 2, 1, so that the scores are 10 20, 6 8, 5 6.
    batches = [np.array([[10, 0, 1], [-10, 0, 1]], "float32"), np.array([[10, 4, -1], [10, 0, 1]], "float32")]
    _, model = masked({"score": "wanda", "sparsity": 0.5}, kernel, calibration=batches)
    assert small_models.kept(model, "a").tolist() == [[1, 1], [0, 1], [0, 0]]


def test_wanda_sees_the_channels_of_convolutions():
    inputs = keras.Input((2, 2, 2))
    model = keras.Model(inputs, keras.layers.Conv2D(2, 1, use_bias=False, name="conv")(inputs))
    model.get_layer("conv").set_weights([np.array([[[[1, 2], [3, 4]]]], "float32")])
    made = pruning(score="wanda", sparsity=0.5)
    x = np.ones((3, 2, 2, 2), "float32") * [5, 1]
    prepared = made.prepare(model, x)
    np.testing.assert_array_equal(prepared(x), model(x))
    made.update(8)
    assert small_models.kept(prepared, "conv").tolist() == [[[[1, 1], [0, 0]]]]


def test_wanda_looks_on_while_the_model_trains():
    made = pruning(score="wanda", begin_step=2)
    model = small_models.compiled(made.prepare(small_models.images()))
    small_models.fit(model, [made.keras_callback()], epochs=2)
    [seen] = [each for _, each in model.get_layer("dense").transformations() if isinstance(each, Observe)]
    assert np.all(keras.ops.convert_to_numpy(seen.norms()) >= 0) and float(seen.rows) == 16
    assert small_models.kept(model, "conv").sum() == 72
    plain = made.finish(model)
    assert [type(layer) for layer in plain.layers] == [type(layer) for layer in small_models.images().layers]


def test_wanda_reports_what_it_cannot_weigh():
    made = pruning(score="wanda", begin_step=2)
    rows = made.report(made.prepare(small_models.images())).not_compressed
    reasons = {row.layer: row.how for row in rows if row.weight == "kernel"}
    assert reasons == {
        "depthwise": "is multiplied with other numbers than the inputs of its layer, which score wanda looks at"
    }


def test_wanda_must_have_seen_something():
    with pytest.raises(ConfigError, match=r"has to see inputs before the first mask is made.*Received: begin_step=0"):
        pruning(score="wanda").prepare(small_models.dense(EIGHT))
    made = pruning(score="wanda", begin_step=2)
    made.prepare(small_models.dense(EIGHT))
    with pytest.raises(ConfigError, match="layer `a` has seen no inputs yet"):
        made.update(2)


def test_movement_keeps_what_moves_away_from_zero():
    made = pruning(score="movement", sparsity=0.5, schedule="one_shot", begin_step=1)
    model = made.prepare(small_models.dense([[1, 1], [-1, -1]]))
    model.compile(keras.optimizers.SGD(0.01), "mse")
    # Outputs are 0 and to be 1 and -1: the first column is to rise, the second to fall.
    model.fit(np.ones((2, 2)), np.array([[1.0, -1.0]] * 2), batch_size=1, verbose=0, callbacks=[made.keras_callback()])
    assert small_models.kept(model, "a").tolist() == [[1, 0], [0, 1]]


def test_supermask_trains_scores_and_holds_weights_still():
    made = pruning(score="supermask", every_steps=1)
    model = made.prepare(small_models.images())
    before = keras.ops.convert_to_numpy(model.get_layer("conv").variable("kernel"))
    # Keras warns of trained variables without gradients, and warnings are errors here.
    small_models.fit(small_models.compiled(model), [made.keras_callback()], epochs=2)
    after = keras.ops.convert_to_numpy(model.get_layer("conv").variable("kernel"))
    np.testing.assert_array_equal(after, before)
    trained = {variable.path for variable in model.trainable_variables}
    assert "conv/kernel_mask/scores" in trained and "dense/bias" in trained
    assert not {path for path in trained if path.endswith("kernel")}
    [mask] = [each for _, each in model.get_layer("conv").transformations()]
    assert np.any(keras.ops.convert_to_numpy(mask.scores))
    model.trainable = False
    model.trainable = True
    assert {variable.path for variable in model.trainable_variables} == trained
    plain = made.finish(model)
    assert {variable.path for variable in plain.trainable_variables} == {
        variable.path for variable in small_models.images().trainable_variables
    }


def test_fit_follows_the_ramp():
    made = pruning(end_step=6)
    model = small_models.compiled(made.prepare(small_models.images()))
    recorder = small_models.Recorder(lambda: int(small_models.kept(model, "conv").sum()))
    small_models.fit(model, [made.keras_callback(), recorder], epochs=2)
    kept = [288, 136, 80, 72]  # 288 * (1 - 0.75 * (1 - (1 - t)^3)) at t of 0, 1/3, 2/3, 1
    assert recorder.seen == [kept[0]] * 2 + [kept[1]] * 2 + [kept[2]] * 2 + [kept[3]] * 3


@pytest.mark.parametrize(
    "settings",
    [
        {"scope": "global", "backward": "ste"},
        {"score": "wanda", "begin_step": 1},
        {"score": "supermask"},
        {"score": "movement", "schedule": "cyclic", "every_steps": 1, "cycles": 2},
    ],
    ids=str,
)
def test_training_that_was_interrupted_goes_on_the_same(settings, tmp_path):
    small_models.assert_resumes(lambda: pruning(**settings), small_models.images(), tmp_path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sparsity": 1.0}, "`sparsity` must be between 0 and 1. Received: sparsity=1.0"),
        ({"least_density": 1.0}, "`least_density` must be at least 0 and below 1"),
        ({"least_density": 0.5}, "`least_density` must be 0 when scope is layer"),
        ({"scope": "global", "rules": [{"do": {"sparsity": 0.5}}]}, "`rules` must be such that they only skip"),
        ({"begin_step": 9}, "`end` must not be before `begin`=9"),
        ({"sparsty": 0.5}, "magnitude_pruning.sparsty: unknown setting. Did you mean `sparsity`?"),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(ConfigError) as error:
        pruning(**settings)
    assert message in str(error.value)
