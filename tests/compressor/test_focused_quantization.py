"""Tests of focused quantization: when means are found, what trains, and what is left of a pruned model."""

import keras
import numpy as np
import pytest

from source.compressor.build import compressor
from source.config.errors import ConfigError
from source.numeric import number_format
from tests.compressor import small_models

NAME = "focused_quantization"


def focused(**settings):
    return compressor(NAME, **settings)


def seen(model, name="conv"):
    return keras.ops.convert_to_numpy(model.get_layer(name).seen_weight("kernel"))


def rounding(model, name="conv"):
    [*_, last] = [each for _, each in model.get_layer(name).transformations()]
    return last


def test_a_prepared_model_computes_the_same():
    model = small_models.images()
    x = np.random.default_rng(0).normal(size=(3, 6, 6, 3)).astype("float32")
    np.testing.assert_array_equal(focused().prepare(model)(x), model(x))


def test_weights_are_those_of_the_format_from_the_first_step_on():
    made = focused(weights="focused<4>", begin_step=2)
    given = small_models.images()
    model = made.prepare(given)
    kernel = keras.ops.convert_to_numpy(given.get_layer("conv").kernel)
    made.update(0)
    np.testing.assert_array_equal(seen(model), kernel)
    made.update(2)
    np.testing.assert_array_equal(seen(model), number_format("focused<4>").round(kernel))


def test_means_are_found_anew_in_growing_distances():
    made = focused(begin_step=3, refit_steps=2, refit_growth=2.0, end_step=40)
    steps = [-1]
    while (step := made.next_update(steps[-1])) is not None:
        steps.append(step)
    assert steps[1:] == [3, 5, 9, 17, 33]
    assert focused(refit_steps=0, begin_step=3).next_update(3) is None
    model = made.prepare(small_models.images())
    made.update(3)
    layer = model.get_layer("conv")
    layer.variable("kernel").assign(layer.variable("kernel") * 3)
    before = seen(model)
    made.update(4)
    np.testing.assert_array_equal(seen(model), before)
    made.update(5)
    kernel = keras.ops.convert_to_numpy(layer.variable("kernel"))
    np.testing.assert_array_equal(seen(model), number_format("focused<5>").round(kernel))


def test_scales_train():
    made = focused()
    model = small_models.compiled(made.prepare(small_models.images()))
    small_models.fit(model, [made.keras_callback()])
    assert all(float(rounding(model, name).alpha) != 1 for name in ("stem", "conv", "depthwise", "dense"))
    plain = made.finish(model)
    x = np.random.default_rng(0).normal(size=(3, 6, 6, 3)).astype("float32")
    np.testing.assert_array_equal(plain(x), model(x))
    kernel = keras.ops.convert_to_numpy(plain.get_layer("conv").kernel)
    assert len(np.unique(kernel)) <= 2**5
    [row] = [row for row in made.report(model).compressed if row.layer == "conv"]
    assert row.bytes == 288 * 5 // 8 + 17 + 4


@pytest.mark.parametrize("settings", [{}, {"incremental": True, "portions": (0.5, 1.0), "every_steps": 3}])
def test_zeros_of_pruning_stay_zero(settings):
    members = [{"name": "magnitude_pruning", "sparsity": 0.75, "schedule": "one_shot"}, {"name": NAME, **settings}]
    made = compressor("chain", members=members)
    model = small_models.compiled(made.prepare(small_models.images()))
    recorder = small_models.Recorder(lambda: small_models.kept(model, "conv"))
    small_models.fit(model, [made.keras_callback(), recorder])
    assert all(not np.any(each > recorder.seen[0]) for each in recorder.seen) and recorder.seen[0].sum() <= 72
    plain = made.finish(model)
    kernel = keras.ops.convert_to_numpy(plain.get_layer("conv").kernel)
    assert 0 < np.count_nonzero(kernel) <= 72 and len(np.unique(kernel)) <= 2**5


def test_frozen_portions_do_not_move_but_by_the_scale():
    made = focused(incremental=True, portions=(0.5, 1.0), every_steps=6)
    model = small_models.compiled(made.prepare(small_models.images()))
    recorder = small_models.Recorder(
        lambda: (seen(model) / np.float32(rounding(model).alpha), np.asarray(rounding(model).frozen))
    )
    small_models.fit(model, [made.keras_callback(), recorder], epochs=2)
    (first, mask), (later, _) = recorder.seen[0], recorder.seen[5]
    assert mask.sum() == 144
    # Quotients of float32 products.
    np.testing.assert_allclose(first[mask], later[mask], rtol=1e-6)
    assert np.all(np.abs(first - later)[~mask] > 0)
    assert recorder.seen[6][1].all()


@pytest.mark.parametrize("settings", [{"refit_steps": 2}, {"incremental": True, "portion_steps": (0, 1, 2, 3, 7)}])
def test_training_that_was_interrupted_goes_on_the_same(settings, tmp_path):
    small_models.assert_resumes(lambda: focused(**settings), small_models.images(), tmp_path)


def test_rules_give_layers_their_own_width():
    made = focused(rules=[{"match": {"name": "dense"}, "do": {"weights": "focused<7>"}}])
    model = made.prepare(small_models.images())
    made.update(0)
    assert {row.layer: row.how.split()[0] for row in made.report(model).compressed} == {
        "stem": "focused<5>",
        "conv": "focused<5>",
        "depthwise": "focused<5>",
        "dense": "focused<7>",
    }


def test_a_model_that_is_not_rounded_is_not_finished():
    made = focused(begin_step=5)
    model = made.prepare(small_models.images())
    with pytest.raises(ConfigError, match="nothing is rounded yet: that begins at step 5"):
        made.finish(model)
    made = focused(incremental=True)
    model = made.prepare(small_models.images())
    made.update(0)
    with pytest.raises(ConfigError, match=r"only 0.25 of the weights are rounded so far"):
        made.finish(model)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"weights": "int8"}, "`weights` must be a focused format, such as \"focused<5>\". Received: weights='int8'"),
        ({"refit_steps": -1}, "`refit_steps` must be at least 0"),
        ({"refit_growth": 0.5}, "`refit_growth` must be at least 1"),
        ({"begin_step": 9, "end_step": 5}, "`end_step` must be at least begin_step=9"),
        ({"portions": (0.5,)}, "`portions` must be ascending"),
        ({"policy": "least"}, "policy"),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(ConfigError) as error:
        focused(**settings)
    assert message in str(error.value)
