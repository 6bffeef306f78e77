"""Tests of structured sparsity: the patterns, along which axis, when their masks are made, and what does not suit."""

import keras
import numpy as np
import pytest

from source.compressor.build import compressor
from source.config.errors import ConfigError
from tests.compressor import small_models

TALL = [[1, 8], [-2, 7], [3, -6], [-4, 5]]  # 2:4 of each column keeps 3, 4 and 8, 7
WIDE = [[1, -2, 3, -4], [5, 6, -7, 8]]
NAME = "structured_sparsity"


def structured(**settings):
    return compressor(NAME, **{"end_step": 8, "every_steps": 2, **settings})


def after(step, settings, *kernels):
    made = structured(**settings)
    model = made.prepare(small_models.dense(*kernels))
    made.update(step)
    return model


def reasons(settings, model):
    made = structured(**settings)
    rows = made.report(made.prepare(model)).not_compressed
    return {row.layer: row.how for row in rows if row.weight.endswith("kernel")}


def test_two_of_four_lie_along_the_inputs():
    model = after(0, {}, TALL)
    assert small_models.kept(model, "a").tolist() == [[0, 1], [0, 1], [1, 0], [1, 0]]


def test_a_prepared_model_computes_the_same_until_the_first_mask():
    model = small_models.images()
    x = np.random.default_rng(0).normal(size=(3, 6, 6, 3)).astype("float32")
    np.testing.assert_array_equal(structured().prepare(model)(x), model(x))


def test_the_axis_can_be_another():
    rules = [{"match": {"weight": "kernel"}, "do": {"pattern": "2:4,-1"}}]
    assert small_models.kept(after(0, {"rules": rules}, WIDE), "a").tolist() == [[0, 0, 1, 1], [0, 0, 1, 1]]
    assert small_models.kept(after(0, {"pattern": "1:4,-1"}, WIDE), "a").tolist() == [[0, 0, 0, 1], [0, 0, 0, 1]]


@pytest.mark.parametrize(
    ("layer", "shape", "axis"),
    [
        (keras.layers.Conv2D(4, 3), (6, 6, 4), -2),
        (keras.layers.Conv2DTranspose(3, 3), (6, 6, 4), -1),
        (keras.layers.EinsumDense("bac,acd->bd", 5), (3, 4), 1),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_groups_lie_along_the_axis_that_is_summed_over(layer, shape, axis):
    inputs = keras.Input(shape)
    made = structured(schedule="one_shot")
    model = made.prepare(keras.Model(inputs, layer(inputs)))
    made.update(0)
    mask = small_models.kept(model, layer.name)
    groups = np.moveaxis(mask, axis, -1).reshape(-1, 4)
    assert np.all(groups.sum(-1) == 2)
    assert made.report(model).compressed[0].how == f"BTOPK{{2:4,{axis}}}"


def test_every_call_makes_its_own_mask_by_sr_ste():
    made = structured(mode="sr_ste", end_step=1000, every_steps=100)
    model = made.prepare(small_models.dense(TALL))
    assert made.next_update(-1) is None and made.first_step is None
    assert small_models.kept(model, "a").tolist() == [[0, 1], [0, 1], [1, 0], [1, 0]]
    model.get_layer("a").variable("kernel").assign(np.negative(TALL)[::-1])
    assert small_models.kept(model, "a").tolist() == [[1, 0], [1, 0], [0, 1], [0, 1]]
    made.update(0)
    finished = made.finish(model).get_layer("a").get_weights()[0]
    assert finished.tolist() == [[4, 0], [-3, 0], [0, -7], [0, -8]]


@pytest.mark.parametrize(
    ("settings", "factor"),
    [({"mode": "sr_ste", "decay": 0.5}, 0.95), ({"decay": 0.5}, 0.95), ({"backward": "ste"}, 1.0)],
)
def test_pruned_weights_decay_by_sr_ste(settings, factor):
    schedule = {} if "mode" in settings else {"schedule": "one_shot"}
    made = compressor(NAME, **settings, **schedule)
    model = made.prepare(small_models.dense(TALL))
    model.compile(keras.optimizers.SGD(0.1), "mse")
    # No input, no gradient of the loss: what changes the weights is the decay alone.
    model.fit(np.zeros((1, 4)), np.zeros((1, 2)), verbose=0, callbacks=[made.keras_callback()])
    found = keras.ops.convert_to_numpy(model.get_layer("a").variable("kernel"))
    pruned = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], bool)
    expected = np.where(pruned, np.float32(factor) * np.array(TALL), TALL)
    np.testing.assert_allclose(found, expected, rtol=1e-6)  # w - 0.1 * (0.5 * w) is rounded twice


def test_stored_masks_follow_the_weights_until_the_end():
    made = structured()
    model = made.prepare(small_models.dense(TALL))
    flipped = [[1, 0], [1, 0], [0, 1], [0, 1]]
    made.update(0)
    first = small_models.kept(model, "a").tolist()
    model.get_layer("a").variable("kernel").assign(np.array(TALL)[::-1])
    for step, expected in ((1, first), (8, flipped)):
        made.update(step)
        assert small_models.kept(model, "a").tolist() == expected
    model.get_layer("a").variable("kernel").assign(TALL)
    made.update(9)
    assert small_models.kept(model, "a").tolist() == flipped
    assert [made.next_update(step) for step in (-1, 0, 7, 8)] == [0, 2, 8, None]


def test_masked_gradients_keep_the_first_mask():
    made = structured(backward="masked")
    model = made.prepare(small_models.dense(TALL))
    made.update(0)
    first = small_models.kept(model, "a").tolist()
    model.get_layer("a").variable("kernel").assign(np.array(TALL)[::-1])
    made.update(2)
    assert small_models.kept(model, "a").tolist() == first


def test_blocks_are_kept_whole_and_follow_the_ramp():
    kernel = np.repeat(np.arange(1.0, 9.0), 2).reshape(8, 2) * [[1, -1]]
    made = structured(pattern="BLOCK{0.25,2x2}", power=1.0)
    model = made.prepare(small_models.dense(kernel))
    counts = []
    for step in (0, 4, 8):
        made.update(step)
        counts.append(small_models.kept(model, "a").sum())
    assert counts == [16, 12, 4]  # blocks: all four; round(4 * 0.625) = 3, halves up; one
    assert small_models.kept(model, "a").tolist() == [[0, 0]] * 6 + [[1, 1]] * 2


def test_kernels_are_kept_whole_by_their_sum():
    made = structured(pattern="KERNEL{0.25}", initial_sparsity=0.5, schedule="polynomial")
    model = made.prepare(small_models.images())
    made.update(0)
    assert small_models.kept(model, "conv").sum() == 16 * 9
    made.update(8)
    mask = small_models.kept(model, "conv").reshape(9, 32)
    weight = np.abs(keras.ops.convert_to_numpy(model.get_layer("conv").variable("kernel"))).reshape(9, 32)
    assert sorted(np.flatnonzero(mask.all(0))) == sorted(np.argsort(weight.sum(0))[-8:])
    assert mask.sum() == 8 * 9


def test_rules_give_layers_other_patterns():
    rules = [{"match": {"type": "Dense"}, "do": {"pattern": "BLOCK{0.5,4x4}"}}]
    made = structured(rules=rules)
    rows = made.report(made.prepare(small_models.images())).compressed
    assert {row.layer: row.how for row in rows} == {"conv": "BTOPK{2:4,-2}", "dense": "BLOCK{0.5,4x4}"}


def test_what_does_not_suit_is_reported_with_the_reason():
    assert reasons({}, small_models.images()) == {
        "stem": "has 3 entries along axis -2, no multiple of 4",
        "depthwise": "is a depthwise kernel, whose products are not summed over axis -2",
    }
    rules = [{"match": {"name": "stem"}, "do": "skip"}]
    assert reasons({"pattern": "BLOCK{0.5,4x4}", "rules": rules}, small_models.images()) == {
        "stem": "skipped by a rule",
        "depthwise": "does not suit: `BLOCK{0.5,4x4}` cannot be laid on its shape: blocks of 4 x 4 do not divide its "
        "72 rows and 1 columns. Received: shape=(3, 3, 8, 1)",
    }
    found = reasons({"pattern": "KERNEL{0.04}"}, small_models.images())
    assert found["depthwise"] == "would keep nothing: `KERNEL{0.04}` of 3 x 3 x 8 x 1"
    assert reasons({"pattern": "KERNEL{0.5}"}, small_models.images()) == {"dense": "is no kernel of a convolution"}


def test_a_rule_that_names_the_weight_takes_a_shorter_group():
    rules = [{"match": {"name": "stem", "weight": "kernel"}, "do": {"pattern": "2:4"}}]
    made = structured(rules=rules)
    model = made.prepare(small_models.images())
    made.update(0)
    assert np.all(small_models.kept(model, "stem").sum(2) == 2)  # ceil(2 * 3 / 4) of 3


def test_a_rule_that_names_what_cannot_be_is_an_error():
    rules = [{"match": {"name": "stem", "weight": "kernel"}, "do": {"pattern": "BLOCK{0.5,2x2}"}}]
    message = (
        r"rules\[0\]: weight `kernel` of layer `stem` cannot be compressed: it does not suit: `BLOCK{0.5,2x2}` cannot"
    )
    with pytest.raises(ConfigError, match=message):
        structured(rules=rules).prepare(small_models.images())


def test_fit_makes_masks_and_leaves_them_after_the_end():
    made = structured(begin_step=2, end_step=4)
    model = small_models.compiled(made.prepare(small_models.images()))
    recorder = small_models.Recorder(lambda: small_models.kept(model, "conv"))
    small_models.fit(model, [made.keras_callback(), recorder], epochs=2)
    assert [mask.sum() for mask in recorder.seen] == [288, 288, *[144] * 7]
    assert all(np.array_equal(mask, recorder.seen[4]) for mask in recorder.seen[5:])
    for mask in recorder.seen[2:]:
        assert np.all(mask.sum(2) == 2)


@pytest.mark.parametrize("settings", [{"end_step": 6}, {"mode": "sr_ste", "end_step": 1000, "every_steps": 100}])
def test_training_that_was_interrupted_goes_on_the_same(settings, tmp_path):
    model = small_models.assert_resumes(lambda: structured(**settings), small_models.images(), tmp_path)
    assert np.all(small_models.kept(model, "conv").sum(2) == 2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pattern": "4:2"}, "`pattern`: `4:2` is no sparsity pattern: A group of 2 must keep 1 to 2 entries"),
        ({"pattern": "BLOK{0.5,4x4}"}, "Did you mean `BLOCK{0.5,4x4}`"),
        ({"pattern": "TOPK{0.5}"}, "`pattern` must be N:M, a BLOCK or a KERNEL. Received: pattern='TOPK{0.5}'"),
        ({"pattern": "4:4"}, "`pattern` must be one that leaves something out. Received: pattern='4:4'"),
        ({"decay": -1.0}, "`decay` must be at least 0"),
        ({"initial_sparsity": -0.1}, "`initial_sparsity` must be at least 0 and below 1"),
        ({"mode": "sr_ste"}, '`mode` must be "stored" for a schedule (end_step, every_steps)'),
        ({"mode": "sr_ste", "backward": "ste"}, '`backward` must be "sr_ste" in mode "sr_ste"'),
        ({"begin_step": 9}, "`end` must not be before `begin`=9"),
        ({"rules": [{"do": {"pattern": "2:"}}]}, "rules[0].do: `pattern`: `2:` is no sparsity pattern"),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(ConfigError) as error:
        structured(**settings)
    assert message in str(error.value)


def test_a_model_without_a_weight_that_suits_is_refused():
    with pytest.raises(ConfigError, match=r"no weight of model .* is left to compress"):
        structured().prepare(small_models.dense([[1.0, 2.0]]))
