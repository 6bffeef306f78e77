"""Tests of low rank approximation: which rank, what trains, what is counted, and what is left alone."""

import keras
import numpy as np
import pytest

from source.compressor.build import compressor
from source.config.errors import ConfigError
from tests.compressor import small_models

NAME = "low_rank"
DIAGONAL = np.diag([4.0, 2.0, 1.0, 0.0, 0.0, 0.0])


def low_rank(**settings):
    return compressor(NAME, **settings)


def ranks(made, model):
    return {row.layer: row.how for row in made.report(made.prepare(model)).compressed}


def test_the_rank_is_the_least_that_the_limits_allow():
    model = small_models.dense(DIAGONAL)
    # 6 x 6 numbers, 12 in each rank; squares 16, 4 and 1 of 21.
    assert ranks(low_rank(ratio=0.7), model) == {"a": "rank 2"}
    assert ranks(low_rank(ratio=None, rank=1), model) == {"a": "rank 1"}
    assert ranks(low_rank(ratio=None, energy=0.75), model) == {"a": "rank 1"}
    assert ranks(low_rank(ratio=None, energy=20 / 21), model) == {"a": "rank 2"}
    assert ranks(low_rank(ratio=0.9, energy=0.99, rank=1), model) == {"a": "rank 1"}


def test_a_prepared_model_computes_with_the_nearest_kernel():
    model = low_rank(ratio=0.7).prepare(small_models.dense(DIAGONAL))
    x = np.eye(6, dtype="float32")
    # Factors are float32.
    np.testing.assert_allclose(model(x), np.diag([4, 2, 0, 0, 0, 0]), atol=1e-6)


def test_what_would_not_be_smaller_is_left_alone():
    inputs = keras.Input((6, 6, 4))
    x = keras.layers.Conv2D(8, 3, name="conv")(inputs)
    x = keras.layers.DepthwiseConv2D(3, name="depthwise")(x)
    model = keras.Model(inputs, keras.layers.Dense(2, name="dense")(keras.layers.GlobalAveragePooling2D()(x)))
    made = low_rank(ratio=0.6)
    rows = made.report(made.prepare(model)).not_compressed
    assert {row.layer: row.how for row in rows if "kernel" in row.weight} == {
        "depthwise": "is depthwise: its channels have nothing in common",
        "dense": "would keep nothing: a rank takes 10 numbers, and it has 16",
    }
    rules = [{"match": {"name": "dense"}, "do": {"ratio": None, "energy": 1.0}}]
    rows = low_rank(ratio=0.6, rules=rules).report(made.model).not_compressed
    assert rows[-2].how == "would not be smaller: rank 2 takes 20 numbers, and it has 16"


def test_factors_are_what_is_counted():
    made = low_rank(ratio=0.5)
    model = made.prepare(small_models.images())
    [row] = [row for row in made.report(model).compressed if row.layer == "conv"]
    # 3x3x4x8 as 12 x 24: 36 numbers a rank, 4 ranks in half of 288.
    assert (row.how, row.bytes, row.kept) == ("rank 4", 4 * 4 * 36, 288)
    assert row.sqnr_db > 3


def test_factors_train_and_kernels_do_not():
    made = low_rank(ratio=0.6)
    model = small_models.compiled(made.prepare(small_models.images()))
    layer = model.get_layer("conv")
    before = [keras.ops.convert_to_numpy(each) for each in (layer.variable("kernel"), layer.seen_weight("kernel"))]
    assert "conv/kernel_low_rank/left" in {variable.path for variable in model.trainable_variables}
    small_models.fit(model, [made.keras_callback()])
    after = [keras.ops.convert_to_numpy(each) for each in (layer.variable("kernel"), layer.seen_weight("kernel"))]
    np.testing.assert_array_equal(before[0], after[0])
    assert np.all(before[1] != after[1])
    factors = [keras.ops.convert_to_numpy(each) for each in layer.weight_chains["kernel"][0].variables]
    plain = made.finish(model)
    vertical, horizontal = plain.get_layer("conv_factor"), plain.get_layer("conv")
    assert (vertical.kernel.shape, horizontal.kernel.shape) == ((3, 1, 4, 4), (1, 3, 4, 8))
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(vertical.kernel).reshape(12, 4), factors[0])
    kernel = keras.ops.convert_to_numpy(horizontal.kernel)
    np.testing.assert_array_equal(np.moveaxis(kernel[0], 1, 0).reshape(4, 24), factors[1])
    assert vertical.trainable_variables and horizontal.trainable_variables


def test_the_bytes_of_the_report_are_those_of_the_finished_model():
    made = low_rank(ratio=0.6)
    model = made.prepare(small_models.images())
    finished = made.finish(model)
    assert sum(row.bytes for row in made.report(model).rows) == 4 * finished.count_params()


def test_a_layer_that_is_not_to_be_split_has_the_product_as_its_kernel():
    made = low_rank(ratio=0.6, rules=[{"match": {"name": "conv"}, "do": {"split": False}}])
    model = made.prepare(small_models.images())
    assert made.report(model).notes == ("conv stays one layer: it is not to be split",)
    plain = made.finish(model)
    kernel = keras.ops.convert_to_numpy(plain.get_layer("conv").kernel)
    np.testing.assert_array_equal(kernel, keras.ops.convert_to_numpy(model.get_layer("conv").seen_weight("kernel")))
    # Float32 products: what is left of further singular values is rounding.
    assert np.linalg.matrix_rank(kernel.transpose(0, 2, 1, 3).reshape(12, 24), tol=1e-5) == 4
    assert plain.get_layer("stem_factor").kernel.shape == (3, 1, 3, 3)


def test_rounding_follows_factors():
    members = [
        {"name": NAME, "ratio": 0.6},
        {"name": "incremental_quantization", "portions": (1.0,), "weights": "int8"},
    ]
    made = compressor("chain", members=members)
    model = small_models.compiled(made.prepare(small_models.images()))
    small_models.fit(model, [made.keras_callback()])
    [row] = [row for row in made.report(model).compressed if row.layer == "conv"]
    assert row.how == "rank 4 > int8 1 frozen" and row.bytes == 288 + 4


def test_training_that_was_interrupted_goes_on_the_same(tmp_path):
    small_models.assert_resumes(lambda: low_rank(split=False), small_models.images(), tmp_path)


def test_what_is_seen_otherwise_already_is_refused():
    pruned = compressor("magnitude_pruning").prepare(small_models.dense(DIAGONAL))
    with pytest.raises(ConfigError, match=r"`kernel` of layer `a` is seen through `TOPK{0.2}` already.* be the first"):
        low_rank().prepare(pruned)


def test_a_rule_for_a_weight_that_gets_no_smaller_is_an_error():
    rules = [{"match": {"name": "a", "weight": "kernel"}, "do": {"ratio": 0.1}}]
    with pytest.raises(ConfigError, match=r"rules\[0\]: weight `kernel` of layer `a` .*: it would keep nothing"):
        low_rank(rules=rules).prepare(small_models.dense(DIAGONAL))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ratio": 1.0}, "`ratio` must be between 0 and 1. Received: ratio=1.0"),
        ({"energy": 0.0}, "`energy` must be above 0 and at most 1"),
        ({"rank": 0}, "`rank` must be at least 1"),
        ({"ratio": None}, "`ratio` must be given where `energy` and `rank` are not"),
        ({"rules": [{"do": {"ratio": None}}]}, "`ratio` must be given where"),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(ConfigError) as error:
        low_rank(**settings)
    assert message in str(error.value)
