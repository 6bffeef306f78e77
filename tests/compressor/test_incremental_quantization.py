"""Tests of incremental quantization: what is rounded when, what trains meanwhile, and what is left in the end."""

import keras
import numpy as np
import pytest

from source.compressor.build import compressor
from source.config.errors import ConfigError, EspalierError
from source.numeric import number_format
from tests.compressor import small_models

W = [[0.06, -0.11, 0.21, -0.33, 0.505, -0.6, 0.9, -1.3]]
NAME = "incremental_quantization"


def incremental(**settings):
    return compressor(NAME, **{"portions": (0.25, 0.5, 0.75, 1.0), "every_steps": 2, **settings})


def seen(model, name="a"):
    return keras.ops.convert_to_numpy(model.get_layer(name).seen_weight("kernel"))


def frozen(model, name="a"):
    [each] = [each for _, each in model.get_layer(name).transformations()]
    return keras.ops.convert_to_numpy(each.frozen).astype(bool)


def test_a_prepared_model_computes_the_same():
    model = small_models.images()
    x = np.random.default_rng(0).normal(size=(3, 6, 6, 3)).astype("float32")
    np.testing.assert_array_equal(incremental().prepare(model)(x), model(x))


def test_portions_follow_the_steps():
    made = incremental(weights="fixed<4,1>", policy="error", begin_step=1)
    model = made.prepare(small_models.dense(W))
    masks = []
    for step in range(9):
        made.update(step)
        masks.append(frozen(model).astype(int)[0].tolist())
    assert masks[0] == [0] * 8
    assert masks[1] == masks[2] == [0, 1, 0, 0, 1, 0, 0, 0]
    assert masks[3] == masks[4] == [0, 1, 0, 0, 1, 1, 1, 0]
    assert masks[5] == [0, 1, 1, 1, 1, 1, 1, 0]
    assert masks[7] == masks[8] == [1] * 8
    assert seen(model).tolist() == [[0, -0.125, 0.25, -0.375, 0.5, -0.625, 0.875, -1]]
    assert [made.next_update(step) for step in (-1, 0, 1, 2, 6, 7)] == [1, 1, 3, 3, 7, None]


def test_each_portion_may_have_its_step():
    made = incremental(portions=(0.5, 1.0), portion_steps=(3, 10))
    assert [made.next_update(step) for step in (-1, 3, 10)] == [3, 10, None]
    assert made.first_step == 3


def test_frozen_weights_do_not_move_in_training_and_others_do():
    made = incremental(portions=(0.5, 1.0), every_steps=6)
    model = made.prepare(small_models.images())
    # Momentum and decay move the weights behind, as they would in any training.
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9, weight_decay=0.1), "mse")
    recorder = small_models.Recorder(lambda: (seen(model, "conv").copy(), frozen(model, "conv")))
    small_models.fit(model, [made.keras_callback(), recorder], epochs=2)
    (first, mask), (later, _) = recorder.seen[0], recorder.seen[5]
    assert mask.sum() == 144
    np.testing.assert_array_equal(first[mask], later[mask])
    assert np.all(first[~mask] != later[~mask])
    (first, mask), (last, _) = recorder.seen[6], recorder.seen[-1]
    assert mask.all()
    np.testing.assert_array_equal(first, last)


def test_finished_weights_are_numbers_of_the_format():
    made = incremental(weights="inq<4>", every_steps=1)
    model = small_models.compiled(made.prepare(small_models.images()))
    small_models.fit(model, [made.keras_callback()])
    plain = made.finish(model)
    x = np.random.default_rng(0).normal(size=(3, 6, 6, 3)).astype("float32")
    np.testing.assert_array_equal(plain(x), model(x))
    for name in ("stem", "conv", "depthwise", "dense"):
        layer = plain.get_layer(name)
        weight = keras.ops.convert_to_numpy(layer.kernel)
        np.testing.assert_array_equal(number_format("inq<4>").round(weight), weight)
        assert len(np.unique(np.abs(weight[weight != 0]))) <= 4
    assert {row.how for row in made.report(model).compressed} == {"inq<4> 1 frozen"}
    [row] = [row for row in made.report(model).compressed if row.layer == "dense"]
    assert row.bytes == 8 * 4 * 4 // 8 + 1


def test_rules_give_layers_their_own_format():
    rules = [{"match": {"name": "b"}, "do": {"weights": "int8", "policy": "random"}}]
    made = incremental(rules=rules)
    model = made.prepare(small_models.dense(W, np.transpose(W)))
    made.update(6)
    assert [row.how for row in made.report(model).compressed] == ["inq<5> 1 frozen", "int8 1 frozen"]


def test_zeros_of_pruning_stay_zero():
    members = [
        {"name": "magnitude_pruning", "sparsity": 0.75, "schedule": "one_shot"},
        {"name": NAME, "portions": (0.5, 1.0), "every_steps": 3, "weights": "inq<4>"},
    ]
    made = compressor("chain", members=members)
    model = small_models.compiled(made.prepare(small_models.images()))
    recorder = small_models.Recorder(lambda: small_models.kept(model, "conv"))
    small_models.fit(model, [made.keras_callback(), recorder])
    assert all(np.array_equal(recorder.seen[0], each) or not np.any(each > recorder.seen[0]) for each in recorder.seen)
    plain = made.finish(model)
    weight = keras.ops.convert_to_numpy(plain.get_layer("conv").kernel)
    assert 0 < np.count_nonzero(weight) <= 72
    np.testing.assert_array_equal(number_format("inq<4>").round(weight), weight)


def test_half_of_the_kept_weights_are_frozen_first():
    members = [
        {"name": "magnitude_pruning", "sparsity": 0.75, "schedule": "one_shot"},
        {"name": NAME, "portions": (0.5, 1.0)},
    ]
    made = compressor("chain", members=members)
    model = made.prepare(small_models.images())
    made.update(0)
    [each] = [each for _, each in model.get_layer("conv").transformations() if hasattr(each, "frozen")]
    assert int(np.sum(each.frozen)) == 36


def test_training_that_was_interrupted_goes_on_the_same(tmp_path):
    def make():
        return incremental(portions=(0.5, 0.75, 1.0))

    small_models.assert_resumes(make, small_models.images(), tmp_path)


def test_a_model_that_is_not_rounded_as_a_whole_is_not_finished():
    made = incremental()
    model = made.prepare(small_models.dense(W))
    made.update(2)
    with pytest.raises(ConfigError, match=r"only 0.5 of the weights are rounded so far; the last portion .* at step 6"):
        made.finish(model)


def test_training_that_ends_before_the_first_portion_is_refused():
    made = incremental(begin_step=100)
    model = made.prepare(small_models.dense(W))
    with pytest.raises(ConfigError, match="its schedule begins at step 100, but training ends at step 8"):
        made.attach(model, 8)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"portions": (0.5, 0.25, 1.0)}, "`portions` must be ascending shares above 0, the last of which is 1"),
        ({"portions": (0.5,)}, "`portions` must be ascending"),
        ({"portions": ()}, "`portions` must be ascending"),
        ({"begin_step": -1}, "`begin_step` must be at least 0"),
        ({"every_steps": 0}, "`every_steps` must be at least 1"),
        ({"portion_steps": (1, 2)}, "`portion_steps` must be 4 ascending whole numbers"),
        ({"portion_steps": (1, 2, 2, 3)}, "`portion_steps` must be 4 ascending whole numbers"),
        ({"policy": "least"}, "policy"),
        ({"rules": [{"do": {"weight": "int8"}}]}, "rules[0].do.weight: unknown setting"),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(ConfigError) as error:
        incremental(**settings)
    assert message in str(error.value)


def test_unknown_formats_are_refused():
    with pytest.raises(EspalierError, match=r"There is no number format `in8`. Did you mean"):
        incremental(weights="in8")
