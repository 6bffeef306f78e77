"""Tests of filter masking: which filters and kernels go, by which score, and which are left alone."""

import keras
import numpy as np
import pytest

from source.compressor.build import compressor
from source.config.errors import ConfigError
from tests.compressor import small_models

# Columns are filters. Mean magnitudes 2, 2.5, 3, 1; mean squares 10, 6.25, 9, 1.
FOUR = [[0, 2, 3, 1], [0, 3, -3, 1], [-2, -2, 3, 1], [6, 3, 3, -1]]
NAME = "filter_masking"


def masking(**settings):
    return compressor(NAME, **{"end_step": 8, "every_steps": 2, **settings})


def columns(model, name="a"):
    return small_models.kept(model, name).any(0).astype(int).tolist()


def masked(settings, *kernels, step=8):
    """Returns dense layers after a step; the last one, which makes the outputs, is the identity."""
    made = masking(**settings)
    model = made.prepare(small_models.dense(*kernels, np.eye(len(kernels[-1][0]))))
    made.update(step)
    return made, model


def convolutions(names, scales=(), activation="relu"):
    """Returns convolutions 3x3, each of 4 filters and followed by a batch normalization, and a dense layer."""
    x = inputs = keras.Input((6, 6, 3))
    for name in names:
        x = keras.layers.Conv2D(4, 3, padding="same", name=name)(x)
        x = keras.layers.BatchNormalization(name=f"{name}_norm", scale=name not in scales)(x)
        x = keras.layers.Activation(activation)(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, keras.layers.Dense(2, name="dense")(x))


def reasons(made, model):
    rows = made.report(made.prepare(model)).not_compressed
    return {row.layer: row.how for row in rows if row.weight.endswith("kernel")}


def test_a_prepared_model_computes_the_same():
    model = small_models.images()
    x = np.random.default_rng(0).normal(size=(3, 6, 6, 3)).astype("float32")
    np.testing.assert_array_equal(masking().prepare(model)(x), model(x))


def test_filters_of_the_least_mean_magnitude_go():
    _, model = masked({}, FOUR)
    assert columns(model) == [0, 1, 1, 0]
    assert small_models.kept(model, "a").all(0).tolist() == [False, True, True, False]


def test_filters_of_the_least_mean_square_go():
    _, model = masked({"score": "l2"}, FOUR)
    assert columns(model) == [1, 0, 1, 0]


def test_random_filters_are_those_of_the_seed():
    found = [columns(masked({"score": "random", "seed": seed}, np.ones((2, 16)))[1]) for seed in (0, 0, 1)]
    assert found[0] == found[1] != found[2]
    assert [sum(each) for each in found] == [8, 8, 8]


def test_filters_of_the_least_scale_of_batch_normalization_go():
    made = masking(score="batch_norm")
    model = convolutions(["conv"])
    model.get_layer("conv_norm").gamma.assign([0.5, -2.0, 0.1, 1.0])
    prepared = made.prepare(model)
    made.update(8)
    assert small_models.kept(prepared, "conv").any((0, 1, 2)).tolist() == [False, True, False, True]
    prepared.get_layer("conv_norm").gamma.assign([3.0, 2.0, 3.0, 1.0])
    made.update(8)  # what gradients do not reach stays pruned
    assert small_models.kept(prepared, "conv").any((0, 1, 2)).tolist() == [False, True, False, True]


def test_pruned_filters_come_back_when_gradients_reach_them():
    made, model = masked({"backward": "ste"}, FOUR)
    model.get_layer("a").variable("kernel").assign(np.array(FOUR)[:, ::-1])
    made.update(8)
    assert columns(model) == [0, 1, 1, 0][::-1]
    made, model = masked({}, FOUR)
    model.get_layer("a").variable("kernel").assign(np.array(FOUR)[:, [0, 2, 3, 1]])
    made.update(8)
    assert columns(model) == [0, 1, 1, 0]


def test_kernels_go_one_by_one():
    made = masking(granularity="kernel", sparsity=0.75)
    model = made.prepare(small_models.images())
    made.update(8)
    weight = np.abs(keras.ops.convert_to_numpy(model.get_layer("conv").variable("kernel"))).sum((0, 1)).ravel()
    mask = small_models.kept(model, "conv").reshape(9, 32)
    assert np.array_equal(mask.all(0), mask.any(0))
    assert sorted(np.flatnonzero(mask.all(0))) == sorted(np.argsort(weight)[-8:])
    assert {row.layer: row.how for row in made.report(model).compressed} == dict.fromkeys(
        ("stem", "conv", "depthwise"), "KERNEL{0.25}"
    )


def test_the_axis_of_filters_is_that_of_the_output_channels():
    x = inputs = keras.Input((6, 6, 4))
    x = keras.layers.Conv2DTranspose(6, 3, name="transposed")(x)
    x = keras.layers.DepthwiseConv2D(3, name="depthwise")(x)
    x = keras.layers.SeparableConv2D(8, 3, name="separable")(x)
    model = keras.Model(inputs, keras.layers.Dense(2, name="dense")(keras.layers.Flatten()(x)))
    made = masking()
    rows = made.report(made.prepare(model)).compressed
    assert {(row.layer, row.weight): row.how for row in rows} == {
        ("transposed", "kernel"): "CHANNEL{0.5,-2}",
        ("depthwise", "kernel"): "CHANNEL{0.5,-2}",
        ("separable", "depthwise_kernel"): "CHANNEL{0.5,-2}",
        ("separable", "pointwise_kernel"): "CHANNEL{0.5,-1}",
    }


def test_filters_of_all_layers_compare_by_their_means():
    _, model = masked({"scope": "global", "sparsity": 0.5}, FOUR, np.multiply(FOUR, 2.6), step=8)
    # Means: 2, 2.5, 3, 1 and 5.2, 6.5, 7.8, 2.6; the identity behind makes the outputs and is left alone.
    assert [columns(model, name) for name in "ab"] == [[0, 0, 1, 0], [1, 1, 1, 0]]


def test_every_layer_may_keep_a_share_whatever_the_scores():
    _, model = masked({"scope": "global", "sparsity": 0.75, "least_density": 0.25}, FOUR, np.multiply(FOUR, 9))
    assert [columns(model, name) for name in "ab"] == [[0, 0, 1, 0], [0, 0, 1, 0]]


def test_the_ramp_says_how_many():
    made = masking(sparsity=0.75, power=1.0, initial_sparsity=0.25)
    model = made.prepare(small_models.dense(FOUR, np.eye(4)))
    counts = []
    for step in (0, 4, 7, 8):
        made.update(step)
        counts.append(sum(columns(model)))
    assert counts == [3, 2, 2, 1]


def test_rules_give_layers_their_own_sparsity():
    rules = [{"match": {"name": "b"}, "do": {"sparsity": 0.25}}]
    _, model = masked({"rules": rules}, FOUR, FOUR)
    assert [sum(columns(model, name)) for name in "ab"] == [2, 3]


def test_outputs_of_the_model_are_left_alone():
    made = masking()
    assert reasons(made, small_models.images()) == {"dense": "makes outputs of the model"}


def test_a_report_knows_the_outputs_of_a_model_that_was_taken_up():
    model = masking().prepare(small_models.images())
    rows = masking().report(model).not_compressed
    assert {row.how for row in rows if row.weight == "kernel"} == {"makes outputs of the model"}


def test_outputs_are_found_through_sums_and_nested_models():
    inner_inputs = keras.Input((4,))
    inner = keras.Model(inner_inputs, keras.layers.Dense(3, name="inner")(inner_inputs), name="nested")
    inputs = keras.Input((4,))
    first = keras.layers.Dense(4, name="first")(inputs)
    short = keras.layers.Dense(3, name="short")(first)
    made = masking()
    found = reasons(made, keras.Model(inputs, keras.ops.relu(inner(first) + short)))
    assert found == dict.fromkeys(("inner", "short"), "makes outputs of the model")


def test_layers_without_filters_are_reported():
    inputs = keras.Input((5,), dtype="int32")
    x = keras.layers.Embedding(7, 4, name="table")(inputs)
    x = keras.layers.LSTM(3, name="lstm")(x)
    x = keras.layers.Dense(4, name="first")(x)
    model = keras.Model(inputs, keras.layers.Dense(2, name="last")(x))
    made = masking()
    rows = made.report(made.prepare(model)).not_compressed
    found = {row.weight: row.how for row in rows if row.layer in ("table", "lstm")}
    assert found == {
        "embeddings": "is a weight of Embedding, which has no filters",
        "lstm_cell/kernel": "is a weight of LSTM, which has no filters",
        "lstm_cell/recurrent_kernel": "is a weight of LSTM, which has no filters",
        "lstm_cell/bias": "is no kernel or table",
    }
    assert reasons(masking(granularity="kernel"), small_models.images()) == {"dense": "is no kernel of a convolution"}


def test_layers_that_would_lose_everything_are_reported():
    found = reasons(masking(sparsity=0.9), small_models.images())
    assert found["stem"] == "would keep none of its 4 groups: `CHANNEL{0.1,-1}`"
    assert "conv" not in found


def test_layers_without_a_scale_are_reported():
    made = masking(score="batch_norm")
    assert reasons(made, convolutions(["one", "two"], scales=["two"])) == {
        "two": "is followed by no batch normalization with a scale",
        "dense": "is followed by no batch normalization with a scale",
    }


def test_a_rule_that_names_the_weight_takes_outputs_too():
    rules = [{"match": {"name": "dense", "weight": "kernel"}, "do": {"sparsity": 0.5}}]
    made = masking(rules=rules)
    model = made.prepare(small_models.images())
    made.update(8)
    assert sum(columns(model, "dense")) == 2


def test_a_rule_that_names_what_cannot_be_is_an_error():
    rules = [{"match": {"name": "dense", "weight": "kernel"}, "do": {"sparsity": 0.5}}]
    message = r"rules\[0\]: weight `kernel` of layer `dense` cannot be compressed: it is no kernel of a convolution"
    with pytest.raises(ConfigError, match=message):
        masking(granularity="kernel", rules=rules).prepare(small_models.images())
    rules = [{"match": {"name": "conv", "weight": "bias"}, "do": {"sparsity": 0.5}}]
    with pytest.raises(
        ConfigError, match=r"it does not suit: `KERNEL{0.5}` cannot be laid on its shape: it needs the spatial"
    ):
        masking(granularity="kernel", rules=rules).prepare(convolutions(["conv"]))


def test_fit_follows_the_schedule():
    made = masking(end_step=6, power=1.0)
    model = small_models.compiled(made.prepare(small_models.images()))
    recorder = small_models.Recorder(lambda: int(small_models.kept(model, "conv").any((0, 1, 2)).sum()))
    small_models.fit(model, [made.keras_callback(), recorder], epochs=2)
    assert recorder.seen == [8, 8, 7, 7, 5, 5, 4, 4, 4]


@pytest.mark.parametrize("settings", [{"score": "batch_norm"}, {"backward": "ste", "scope": "global"}])
def test_training_that_was_interrupted_goes_on_the_same(settings, tmp_path):
    def make():
        return masking(every_steps=1, **settings)

    small_models.assert_resumes(make, convolutions(["one", "two"]), tmp_path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sparsity": 0.0}, "`sparsity` must be between 0 and 1. Received: sparsity=0.0"),
        ({"least_density": 1.0}, "`least_density` must be at least 0 and below 1"),
        ({"least_density": 0.5}, "`least_density` must be 0 when scope is layer"),
        ({"scope": "global", "rules": [{"do": {"sparsity": 0.5}}]}, "`rules` must be such that they only skip"),
        ({"score": "batch_norm", "granularity": "kernel"}, '`granularity` must be "filter" when score="batch_norm"'),
        ({"initial_sparsity": 1.0}, "`initial_sparsity` must be at least 0 and below 1"),
        ({"begin_step": 9}, "`end` must not be before `begin`=9"),
        ({"score": "l3"}, "score"),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(ConfigError) as error:
        masking(**settings)
    assert message in str(error.value)


def test_a_model_without_filters_to_prune_is_refused():
    with pytest.raises(ConfigError, match=r"no weight of model .* is left to compress"):
        masking().prepare(small_models.dense(FOUR))
