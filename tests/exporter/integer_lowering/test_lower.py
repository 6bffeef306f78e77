"""Tests of the way from a finished model to a program."""

import keras
import numpy as np
import pytest

from source.config.errors import ConfigError
from source.exporter.integer.products import Convolution, Dense
from source.exporter.integer.program import run, trace
from source.exporter.integer_lowering._grid import weight_codes
from source.exporter.integer_lowering._steps import affine
from source.exporter.integer_lowering.lower import lowered
from source.layer.calibrated_quantize import CalibratedQuantize
from source.layer.fake_quantize import FakeQuantize
from source.layer.learned_quantize import LearnedLimit, LearnedStep
from tests.exporter.integer_models import images, residual_model, rounded, with_codes

layers = keras.layers


def answers(model, x, rounding="single"):
    """Returns the numbers of the program and of the model."""
    program = lowered(model, rounding)
    [codes] = run(program, [program.tensors[program.inputs[0]].rounded(x)])
    return program.tensors[program.outputs[0]].numbers(codes), model.predict(x, verbose=0)


@pytest.mark.parametrize("seed", range(4))
def test_integers_equal_floats_where_these_round_nothing(seed):
    found, expected = answers(residual_model(seed), images(seed=seed))
    assert len(np.unique(expected)) > 10
    assert np.array_equal(found, expected)


def test_rounding_twice_differs_by_ties_alone():
    once, twice = (lowered(residual_model(), rounding) for rounding in ("single", "double"))
    codes = once.tensors["image"].rounded(images())
    once, twice = (trace(each, [codes])["strided"].astype(int) for each in (once, twice))
    assert 0 < np.mean(once != twice) < 0.05
    assert np.abs(once - twice).max() == 1


def make(*body, shape=(4, 4, 2), low=-128):
    """Returns a model of layers between two roundings of the same steps."""
    inputs = keras.Input(shape, name="image")
    x = rounded(inputs, low)
    for layer in body:
        x = layer(x)
    return with_codes(keras.Model(inputs, rounded(x)))


@pytest.mark.parametrize(
    "body",
    [
        (layers.GlobalMaxPooling2D(keepdims=True), layers.Flatten()),
        (layers.GlobalAveragePooling2D(keepdims=True),),
        (layers.GlobalAveragePooling2D(),),
        (layers.AveragePooling2D(2, strides=1, padding="same"),),
        (layers.Activation("relu6"),),
        (layers.ReLU(), layers.MaxPooling2D(3, strides=1, padding="same")),
        (layers.Conv2D(3, 2, use_bias=False, activation="relu"), layers.MaxPooling2D(2)),
        (layers.Conv2D(16, 3), rounded, layers.Dense(3), layers.Flatten(), rounded, layers.Dense(2)),
        (rounded, lambda x: keras.ops.relu(x)),
        (lambda x: layers.Concatenate(axis=1)([layers.ReLU()(x), layers.Conv2D(2, 1)(x)]),),
        (lambda x: x + x,),
        (layers.ZeroPadding2D(((2, 0), (0, 1)), data_format="channels_first"),),
    ],
)
def test_layers_one_by_one(body):
    found, expected = answers(make(*body), images(shape=(4, 4, 2)))
    assert np.array_equal(found, expected)


def test_zero_points_other_than_the_ends_and_padding_by_them():
    found, expected = answers(make(layers.Conv2D(3, 3, padding="same"), low=-100), images(shape=(4, 4, 2)))
    assert np.array_equal(found, expected)


def test_a_batch_normalization_is_folded_with_gains_of_either_sign():
    model = make(layers.Conv2D(4, 3), layers.BatchNormalization(epsilon=0.0), layers.ReLU())
    [norm] = [each for each in model.layers if isinstance(each, layers.BatchNormalization)]
    ones = np.ones(4, np.float32)
    norm.set_weights([np.float32([0.5, -0.5, 2.0, 0.0]), 0.5 * ones, 0.25 * ones, 4.0 * ones])
    found, expected = answers(model, images(shape=(4, 4, 2)))
    assert np.array_equal(found, expected)


def low_bit(width):
    inputs = keras.Input((6, 6, 3), name="image")
    x = LearnedLimit(8, signed=True, name="q0")(inputs)
    x = LearnedStep(width, signed=False, name="q1")(layers.Conv2D(8, 3, name="c1")(x))
    x = LearnedLimit(width, name="q2")(layers.Conv2D(8, 3, padding="same", activation="relu", name="c2")(x))
    x = FakeQuantize("linear_mid_tread_half<2,2>", name="q3")(layers.Conv2D(8, 3, name="c3")(x))
    x = CalibratedQuantize(6, name="q4")(layers.Flatten()(x))
    outputs = FakeQuantize("XP[10,+2](CSN)", name="q5")(layers.Dense(3, name="d")(x))
    model = with_codes(keras.Model(inputs, outputs), largest=1 if width == 2 else 7)
    for name, limit in {"q0": 12.7, "q1": 0.3, "q2": 1.1}.items():
        model.get_layer(name).value.assign(limit)
    model.get_layer("q4").set_limits(-0.3, 2.0)
    return model


@pytest.mark.parametrize("width", [2, 3, 4])
def test_models_of_few_bits_equal_the_emulation_with_floats(width):
    model, x = low_bit(width), images(32, (6, 6, 3))
    program = lowered(model)
    made = trace(program, [program.tensors["image"].rounded(x)])
    emulated = keras.Model(model.input, [model.get_layer(f"q{index}").output for index in range(6)])
    found = [made[name] for name in ("image", "c1", "c2", "c3", "q4", "d")]
    for codes, numbers, name in zip(
        found, emulated.predict(x, verbose=0), ("image", "c1", "c2", "c3", "q4", "d"), strict=True
    ):
        # One float32 sum in some thousand is off by more than its distance from a tie.
        differing = np.mean(np.abs(program.tensors[name].numbers(codes).reshape(numbers.shape) - numbers) > 1e-4)
        assert differing <= 0.002, name
    assert program.tensors["c1"].bits == width
    assert program.operations[1].headroom.min() > 8


def test_converters_shift_for_no_bias_and_neither_does_int8():
    program = lowered(residual_model())
    assert all(not each.headroom.any() for each in program.operations if isinstance(each, (Convolution, Dense)))


@pytest.mark.parametrize(
    ("low", "high", "width", "narrow", "expected"),
    [
        (0.0, 255.0, 8, False, (-128, 127, 1.0, -128)),
        (-1.0, 1.0, 8, True, (-127, 127, float(np.float32(2) / 254), 0)),
        (-0.1, 25.4, 8, False, (-128, 127, float((np.float32(25.4) + np.float32(0.1)) / 255), -127)),
        (0.0, 1.5, 4, False, (0, 15, float(np.float32(0.1)), 0)),
        (-7.0, 7.0, 4, True, (-7, 7, 1.0, 0)),
        (-0.3, 1.2, 2, False, (-2, 1, 0.5, -1)),
    ],
)
def test_limits_become_steps_with_zero_among_them(low, high, width, narrow, expected):
    steps = affine(low, high, width, narrow)
    assert (steps.low, steps.high, steps.zero_point) == (expected[0], expected[1], expected[3])
    assert steps.scale == pytest.approx(expected[2], rel=2e-7)  # one float32 rounding


def test_codes_of_weights_are_found_from_their_numbers():
    random = np.random.default_rng(0)
    codes = random.integers(-127, 128, (50, 20))
    codes[0], codes[1] = 127, 126  # no common divisor
    scales = random.uniform(1e-4, 1.0, 20).astype(np.float32)
    found, found_scales = weight_codes(codes.astype(np.float32) * scales, "layer")
    assert np.array_equal(found, codes)
    assert np.array_equal(found_scales, scales)


def test_codes_of_binary_ternary_and_absent_weights_are_the_smallest():
    columns = np.float32([[0.3, 0.0, 0.0, 6.0], [-0.3, 0.7, 0.0, -3.0]])
    codes, scales = weight_codes(columns, "layer")
    assert codes.tolist() == [[1, 0, 0, 2], [-1, 1, 0, -1]]
    assert scales.tolist() == [np.float32(0.3), np.float32(0.7), 0.0, 3.0]


def test_weights_between_steps_are_refused():
    with pytest.raises(ConfigError, match="Layer `conv`: the weights of output channel 1 are no multiples"):
        weight_codes(np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32) * [0.0, 1.0], "conv")
    with pytest.raises(ConfigError, match="output channel 0"):
        weight_codes(np.float32([[np.nan]]), "conv")


def test_channels_without_weights_still_have_their_bias():
    model = make(layers.Conv2D(2, 1, name="c"))
    bias = np.float32([3.0, -1.03125])
    model.get_layer("c").set_weights([np.zeros((1, 1, 2, 2), np.float32), bias])
    found, expected = answers(model, images(shape=(4, 4, 2)))
    assert np.array_equal(found, expected)


def test_a_bias_far_beyond_the_sums_is_held_and_they_give_way():
    model = make(layers.Conv2D(2, 1, name="c"))
    kernel = np.float32([[[[1.0, 1e-12], [1.0, -1e-12]]]])
    model.get_layer("c").set_weights([kernel, np.float32([0.5, 1.5])])
    found, expected = answers(model, images(shape=(4, 4, 2)))
    assert np.array_equal(found, expected)


def unrounded():
    inputs = keras.Input((4,))
    return keras.Model(inputs, layers.Dense(2, name="last")(rounded(inputs)))


def inner_model():
    inputs = keras.Input((4,))
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(2)], name="inner")
    return keras.Model(inputs, rounded(inner(rounded(inputs))))


def two_scales():
    inputs = keras.Input((4,))
    x = rounded(inputs)
    return keras.Model(inputs, layers.Concatenate(name="both")([x, rounded(x, scale=1.0)]))


def free_length():
    inputs = keras.Input((None, 4), name="free")
    return keras.Model(inputs, rounded(inputs))


def uncalibrated():
    inputs = keras.Input((4,))
    return keras.Model(inputs, CalibratedQuantize(8, name="unknown")(inputs))


def normalized():
    inputs = keras.Input((4,))
    return keras.Model(inputs, rounded(layers.BatchNormalization(name="n")(rounded(inputs))))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (unrounded, r"The output of layer `last` \(Dense\) is not rounded"),
        (inner_model, "Layer `inner` is a model of its own"),
        (two_scales, "Layer `both` joins tensors of different scales"),
        (free_length, r"Input `free` has shape \(None, 4\)"),
        (uncalibrated, "Layer `unknown` has no limits"),
        (lambda: make(layers.Conv2D(2, 1, activation="gelu", name="c")), "`c`: the activation gelu has no integer"),
        (lambda: make(layers.LeakyReLU(name="leaky")), r"Layer `leaky` \(LeakyReLU\) has no integer operation"),
        (lambda: make(layers.ReLU(negative_slope=0.1, name="r")), "`r`: ReLU with a slope"),
        (normalized, "A batch normalization after layer `fake_quant"),
        (
            lambda: make(layers.Conv2D(2, 1, activation="relu", name="c"), layers.BatchNormalization()),
            "Layer `c`: a batch normalization after an activation cannot be folded",
        ),
        (lambda: make(FakeQuantize("int4", name="scaled")), "Layer `scaled` rounds to int4, which are no even steps"),
    ],
)
def test_what_has_no_integer_operation_is_refused_by_name(model, message):
    with pytest.raises(ConfigError, match=message):
        lowered(model())


def test_an_accumulator_that_int32_does_not_hold_is_refused():
    inputs = keras.Input((70000,))
    x = keras.quantizers.fake_quant_with_min_max_vars(inputs, 0.0, 255.0)
    model = keras.Model(inputs, rounded(layers.Dense(1, name="wide", kernel_initializer="zeros")(x)))
    weights = np.full((70000, 1), 127.0, np.float32)
    weights[0] = 1.0
    model.get_layer("wide").set_weights([weights, np.zeros(1, np.float32)])
    with pytest.raises(
        ConfigError, match=r"cannot be computed with 32 bits: wide: the accumulator may reach 226691\d+"
    ):
        lowered(model)
