"""Tests of rounding without training."""

import keras
import numpy as np
import pytest
from keras import layers

from source.compressor._equalization import equalize
from source.compressor._folding import folded_away
from source.compressor._quantization_points import QuantizationPoints
from source.compressor.build import compressor
from source.config.errors import ConfigError, DataError
from source.layer.calibrated_quantize import CalibratedQuantize
from source.layer.compressed import compressed_layers, transformations_of
from source.numeric import number_format
from source.numeric.calibration import LeastDivergence, LeastError, MinMax, MovingAverage, Percentile
from source.numeric.integer import AffineInteger
from tests.layer.kinds import equal

IMAGES = np.random.default_rng(0).normal(size=(96, 6, 6, 3)).astype(np.float32)


def scattered(model: keras.Model) -> keras.Model:
    """Returns the model with channels of very different sizes."""
    source = np.random.default_rng(1)
    for variable in model.variables:
        size = np.exp(source.normal(size=variable.shape[-1:]))
        variable.assign(keras.ops.convert_to_numpy(variable) * size + source.uniform(0, 0.1, variable.shape))
    return model


def images(**pointwise) -> keras.Model:
    """Returns `conv` with `norm`, `depthwise`, `pointwise`, pooling and `dense`."""
    inputs = keras.Input((6, 6, 3))
    x = layers.Conv2D(8, 3, padding="same", use_bias=False, name="conv")(inputs)
    x = layers.ReLU(name="relu")(layers.BatchNormalization(name="norm")(x))
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, name="depthwise")(x)
    x = layers.Conv2D(6, 1, **{"name": "pointwise", "activation": "relu", **pointwise})(x)
    x = layers.Dropout(0.5, name="dropout")(layers.MaxPooling2D(2, name="pool")(x))
    return scattered(keras.Model(inputs, layers.Dense(4, name="dense")(layers.Flatten(name="flatten")(x))))


def numpy(x) -> np.ndarray:
    return keras.ops.convert_to_numpy(x)


def ratio(model: keras.Model, other: keras.Model) -> float:
    """Returns noise over signal, in shares of squares."""
    y = numpy(model(IMAGES)).astype(np.float64)
    return float(np.square(numpy(other(IMAGES)) - y).sum() / np.square(y).sum())


def folded(model: keras.Model) -> keras.Model:
    return folded_away(model, QuantizationPoints(model, fold=True))


def test_batch_normalization_becomes_part_of_the_layer_before_it():
    model = images()
    plain = folded(model)
    assert [type(each).__name__ for each in plain.layers[1:4]] == ["Conv2D", "ReLU", "DepthwiseConv2D"]
    # Float32: 27 products are scaled before they are summed, and not after.
    assert ratio(model, plain) < 1e-12


def test_equalized_channels_have_like_ranges_and_the_same_outputs():
    model = images()
    plain = folded(model)
    pairs = equalize(plain)
    assert pairs == (("conv", "depthwise"), ("depthwise", "pointwise"), ("pointwise", "dense"))
    assert ratio(model, plain) < 1e-12  # float32: kernels and biases are rounded once
    pointwise, dense = (numpy(plain.get_layer(name).kernel) for name in ("pointwise", "dense"))
    ours = np.abs(pointwise).max(axis=(0, 1, 2))
    theirs = np.abs(dense).reshape(-1, 6, 4).max(axis=(0, 2))
    # Float32 rounds both ends; 1 % is where the turns end.
    np.testing.assert_allclose(ours, theirs, rtol=0.011)


def test_one_pair_gets_the_root_of_the_product():
    inputs = keras.Input((2,))
    model = keras.Model(inputs, layers.Dense(1, name="b")(layers.Dense(3, "relu", name="a")(inputs)))
    model.get_layer("a").set_weights([np.array([[4.0, 1.0, 0.0], [-16.0, 2.0, 0.0]]), np.array([8.0, 3.0, 1.0])])
    model.get_layer("b").set_weights([np.array([[0.25], [-8.0], [5.0]]), np.array([1.0])])
    assert equalize(model) == (("a", "b"),)
    kernel, bias = model.get_layer("a").get_weights()
    # sqrt(16 * 1/4) = 2 and sqrt(2 * 8) = 4; the last channel is dead, and stays.
    assert kernel.tolist() == [[0.5, 2.0, 0.0], [-2.0, 4.0, 0.0]]
    assert bias.tolist() == [1.0, 6.0, 1.0]
    assert model.get_layer("b").get_weights()[0].tolist() == [[2.0], [-4.0], [5.0]]


def test_transposed_convolutions_and_dense_layers_over_time_are_equalized():
    inputs = keras.Input((4, 3))
    x = layers.Conv1DTranspose(5, 3, name="up")(inputs)
    x = layers.Conv1DTranspose(4, 2, activation="leaky_relu", name="again")(layers.PReLU(name="prelu")(x))
    model = scattered(keras.Model(inputs, layers.Dense(2, name="dense")(x)))
    batch = np.random.default_rng(2).normal(size=(8, 4, 3)).astype(np.float32)
    before = numpy(model(batch))
    assert equalize(model) == (("up", "again"), ("again", "dense"))
    np.testing.assert_allclose(numpy(model(batch)), before, rtol=1e-5, atol=1e-5 * np.abs(before).max())
    ranges = np.abs(numpy(model.get_layer("up").kernel)).max(axis=(0, 2))
    np.testing.assert_allclose(ranges, np.abs(numpy(model.get_layer("again").kernel)).max(axis=(0, 1)), rtol=0.011)


@pytest.mark.parametrize("hinder", ["relu6", "tanh", "branch", "output", "shared", "grouped", "normalization"])
def test_layers_with_anything_else_between_them_are_no_pair(hinder):
    inputs = keras.Input((4, 4, 4))
    first, second = layers.Conv2D(4, 1, name="a"), layers.Conv2D(4, 1, groups=2 if hinder == "grouped" else 1, name="b")
    x = between = first(inputs)
    if hinder == "relu6":
        x = layers.ReLU(max_value=6.0)(x)
    elif hinder == "tanh":
        x = layers.Activation("tanh")(x)
    elif hinder == "normalization":
        x = layers.BatchNormalization()(x)
    x = second(second(x)) if hinder == "shared" else second(x)
    x = x + between if hinder == "branch" else x
    assert equalize(keras.Model(inputs, [x, between] if hinder == "output" else x)) == ()


def test_pruned_weights_stay_pruned_when_their_channels_are_scaled():
    model = images()
    pruning = compressor("magnitude_pruning", sparsity=0.75, schedule="one_shot")
    pruned = pruning.prepare(model)
    pruning.update(0)
    rounding = compressor("quantize_post_training", weights="int8", equalize=True, activations=None)
    prepared = rounding.prepare(pruned)
    assert rounding.equalized == (("conv", "depthwise"), ("depthwise", "pointwise"), ("pointwise", "dense"))
    zeros = {row.layer: row.kept for row in pruning.report(pruned).compressed}
    assert all(row.kept <= zeros[row.layer] for row in rounding.report(prepared).compressed)
    assert ratio(pruned, rounding.finish(prepared)) < 1e-3


@pytest.mark.parametrize("weights", ["int8<channel>", "int4<channel>", "fp8_e4m3fn", "mxfp8_e4m3", "BFP[8|8]{8}"])
def test_weights_are_those_of_the_format_on_the_folded_kernel(weights):
    model = images()
    rounding = compressor("quantize_post_training", weights=weights, activations=None)
    assert not rounding.needs_calibration
    prepared = rounding.prepare(model)
    plain = folded(model)
    for name, axes in {"conv": (-1, -2), "depthwise": (-2, -2), "dense": (-1, -2)}.items():
        format = number_format(weights)
        axis = axes[0] if format.sharing == "channel" else axes[1]
        expected = format.round(numpy(plain.get_layer(name).kernel), axis=axis)
        assert equal(rounding.finish(prepared).get_layer(name).kernel, expected), name
    assert rounding.corrected == () and rounding.equalized == ()


def test_clipped_weights_err_less():
    model = images()
    kinds = {ranges: compressor("quantize_post_training", weights="int3", weight_ranges=ranges, activations=None)
             for ranges in ("largest", "least_error")}  # fmt: skip
    rows = {ranges: each.report(each.prepare(model)).compressed for ranges, each in kinds.items()}
    better = [
        clipped.sqnr_db > plain.sqnr_db for plain, clipped in zip(rows["largest"], rows["least_error"], strict=True)
    ]
    assert all(better)
    assert rows["least_error"][0].how == "int3 clipped"


@pytest.mark.parametrize(
    ("name", "settings", "expected"),
    [
        ("min_max", {}, MinMax()),
        ("moving_average", {"momentum": 0.5}, MovingAverage(0.5)),
        ("percentile", {"percent": 99.0}, Percentile(99.0)),
        ("least_error", {}, LeastError(AffineInteger(8).round_within)),
        ("kl", {}, LeastDivergence(AffineInteger(8).round_within)),
    ],
)
def test_limits_are_those_that_the_observer_finds(name, settings, expected):
    model = images()
    rounding = compressor("quantize_post_training", activation_ranges=name, bias_correction=False, **settings)
    prepared = rounding.prepare(model, IMAGES)
    for start in (0, 64):
        expected.observe(IMAGES[start : start + 64])
    low, high = expected.limits()
    [[found]] = prepared.get_layer("conv").input_chains
    assert (float(found.low), float(found.high)) == (min(low, 0.0), max(high, 0.0))


def test_all_limits_are_known_and_stay_in_training():
    rounding = compressor("quantize_post_training")
    prepared = rounding.prepare(images(), IMAGES)
    limits = [each for each in transformations_of(prepared) if isinstance(each, CalibratedQuantize)]
    assert len(limits) == 5  # the input, and what relu, depthwise, pointwise and dense give
    assert all(float(each.known) and float(each.frozen) for each in limits)
    before = [numpy(each.high) for each in limits]
    prepared.compile("sgd", "mse")
    prepared.fit(4.0 * IMAGES, np.zeros((96, 4)), verbose=0, callbacks=[rounding.keras_callback()])
    assert equal([each.high for each in limits], before)


def test_corrected_biases_leave_no_error_on_average():
    model = images(activation=None)
    wrong, right = (
        compressor("quantize_post_training", weights="int4<channel>", bias_correction=given) for given in (False, None)
    )
    y, plain = numpy(model(IMAGES)), wrong.prepare(model, IMAGES)
    prepared = right.prepare(model, IMAGES)
    assert right.corrected == ("conv", "depthwise", "pointwise", "dense")
    errors = [np.abs((numpy(each(IMAGES)) - y).mean(axis=0)).max() for each in (plain, prepared)]
    # What remains comes from the rounding of the output itself, whose limits are found last: 1/2 of a step of y / 255.
    assert errors[1] < 0.05 * errors[0] and errors[1] < np.ptp(y) / 255 / 2
    assert ratio(model, prepared) < ratio(model, plain)
    assert equal(right.finish(prepared)(IMAGES), prepared(IMAGES))


def test_biases_are_corrected_in_order_before_the_activation():
    model = keras.Sequential([keras.Input((8,)), layers.Dense(8, "relu", name="a"), layers.Dense(4, name="b")])
    x = np.random.default_rng(5).normal(0.5, 1.0, (50, 8)).astype(np.float32)
    rounding = compressor("quantize_post_training", weights="int2", activations=None, bias_correction=True)
    prepared = rounding.prepare(model, x)
    a, b = (each for each in compressed_layers(prepared))
    kernels = [numpy(each.seen_weight("kernel")) for each in (a, b)]
    exact = [model.get_layer(name).get_weights() for name in "ab"]
    expected = exact[0][1] - (x @ kernels[0] - x @ exact[0][0]).mean(axis=0)
    np.testing.assert_allclose(numpy(a.layer.bias), expected, atol=1e-6)  # float32 sums of 50 numbers of size 1
    hidden = np.maximum(x @ kernels[0] + expected, 0), np.maximum(x @ exact[0][0] + exact[0][1], 0)
    second = exact[1][1] - (hidden[0] @ kernels[1] - hidden[1] @ exact[1][0]).mean(axis=0)
    np.testing.assert_allclose(numpy(b.layer.bias), second, atol=1e-6)


def test_biases_in_every_kind_of_layer_are_corrected():
    inputs = keras.Input((6, 6, 4))
    x = layers.SeparableConv2D(4, 3, activation="relu", name="separable")(inputs)
    x = layers.Conv2DTranspose(3, 2, name="transposed")(x)
    inner = keras.Input((5, 5, 3))
    nested = keras.Model(inner, layers.EinsumDense("abcd,de->abce", (5, 5, 4), bias_axes="e", name="einsum")(inner))
    x = layers.Conv2D(4, 1, use_bias=False, name="without")(nested(x))
    twice = layers.Dense(4, name="twice")
    model = scattered(keras.Model(inputs, twice(twice(x))))
    batch = np.random.default_rng(6).normal(size=(70, 6, 6, 4)).astype(np.float32)
    rounding = compressor("quantize_post_training", weights="int4")
    rounding.prepare(model, batch)
    assert rounding.corrected == ("separable", "transposed", "einsum", "twice")


def test_rules_leave_layers_alone_and_give_them_formats():
    rules = [
        {"match": {"name": "pointwise"}, "do": "skip"},
        {"match": {"type": "Dense"}, "do": {"weights": "int4<channel>", "activations": None}},
        {"match": {"name": "depthwise"}, "do": {"weight_ranges": "least_error", "activation_ranges": "percentile"}},
    ]
    rounding = compressor("quantize_post_training", rules=rules)
    report = rounding.report(rounding.prepare(images(), IMAGES))
    how = {row.layer: row.how for row in report.rows if row.weight == "kernel"}
    assert how == {
        "conv": "int8<channel>",
        "depthwise": "int8<channel> clipped",
        "pointwise": "skipped by a rule",
        "dense": "int4<channel>",
    }
    assert set(report.activations) == {"conv input 0", "relu output", "depthwise output"}
    assert report.notes == ("bias corrected: conv, depthwise, dense",)
    assert report.notes[0] in str(report).splitlines()


def test_the_report_names_the_pairs():
    rounding = compressor("quantize_post_training", equalize=True, weights="int8", activations=None)
    report = rounding.report(rounding.prepare(images()))
    assert report.notes[0] == "equalized: conv and depthwise"
    assert report.to_dict()["notes"] == list(report.notes)


def test_batch_normalization_may_stay():
    rounding = compressor("quantize_post_training", fold_batch_norm=False, activations=None)
    finished = rounding.finish(rounding.prepare(images()))
    assert isinstance(finished.get_layer("norm"), layers.BatchNormalization)


def test_inputs_are_needed_where_something_is_learned_from_them():
    build = compressor
    assert build("quantize_post_training").needs_calibration
    assert not build("quantize_post_training", activations="BFP[8|8]{8}").needs_calibration
    assert build("quantize_post_training", activations=None, bias_correction=True).needs_calibration
    only = [{"match": {"name": "dense"}, "do": {"activations": "int8"}}]
    assert build("quantize_post_training", activations=None, rules=only).needs_calibration
    with pytest.raises(
        ConfigError,
        match=r"quantize_post_training: limits of `uint8` activations come from data. Give some inputs of the model, "
        r"`prepare\(model, calibration=images\)`, or round weights alone, `activations=None`.",
    ):
        build("quantize_post_training").prepare(images())
    with pytest.raises(ConfigError, match=r"bias_correction compares outputs. Give some inputs of the model"):
        build("quantize_post_training", activations=None, bias_correction=True).prepare(images())
    with pytest.raises(DataError, match=r"calibration: expected arrays of equally many inputs, at least one."):
        build("quantize_post_training").prepare(images(), IMAGES[:0])
    with pytest.raises(DataError, match=r"calibration: the model does not take these inputs: "):
        build("quantize_post_training").prepare(images(), IMAGES[..., :2])


def test_equalization_without_pairs_is_refused():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2)], name="one")
    with pytest.raises(
        ConfigError, match=r"equalize: model `one` has no two linear layers with nothing but ReLU, pooling"
    ):
        compressor("quantize_post_training", equalize=True, activations=None).prepare(model)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"momentum": 1.0}, "`momentum` must be at least 0 and below 1"),
        ({"percent": 0.0}, "`percent` must be above 0 and at most 100"),
        ({"activation_ranges": "entropy"}, "activation_ranges"),
        ({"weights": "int9000"}, "int9000"),
        (
            {"weights": "XP[6,2](CSS)", "weight_ranges": "least_error"},
            "`weights` must be a format without stochastic rounding when errors are compared",
        ),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        compressor("quantize_post_training", **settings)
