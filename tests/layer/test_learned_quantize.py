"""Tests of rounding to integers whose step or limit is trained."""

import numpy as np
import pytest
import tensorflow as tf

from source.config.errors import ConfigError
from source.layer.learned_quantize import LearnedLimit, LearnedStep
from tests.layer.kinds import equal

X = np.array([[-1.0, 0.5, 3.0, 0.3], [0.25, -0.125, 2.0, -7.0]], np.float32)


def made(kind, *args, **settings):
    each = kind(*args, **settings)
    each.build(X.shape)
    each.built = True
    return each


def gradients(each) -> tuple[np.ndarray, np.ndarray]:
    x = tf.convert_to_tensor(X)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = each(x, training=True)
    return tuple(np.asarray(g) for g in tape.gradient(y, [x, each.trainable_variables[0]]))


def test_numbers_are_multiples_of_the_step_within_the_range():
    each = made(LearnedStep, 4)
    each.value.assign(0.5)
    assert np.asarray(each(X)).tolist() == [[-1.0, 0.5, 3.0, 0.5], [0.0, 0.0, 2.0, -3.5]]
    assert (each.low, each.high) == (-7, 7)
    each = made(LearnedStep, 2, signed=False)
    each.value.assign(0.5)
    assert np.asarray(each(X)).tolist() == [[0.0, 0.5, 1.5, 0.5], [0.0, 0.0, 1.5, 0.0]]
    assert (each.low, each.high) == (0, 3)


def test_the_step_and_the_numbers_within_the_range_learn():
    each = made(LearnedStep, 4)
    each.value.assign(0.5)
    of_x, of_step = gradients(each)
    assert of_x.tolist() == [[1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 0.0]]
    # round(x / step) - x / step within the range and its end beyond; scaled by 1 / sqrt(8 * 7).
    expected = ((1.0 - 0.6) + (0.0 - 0.5) + (0.0 + 0.25) - 7.0) / np.sqrt(8 * 7)
    assert of_step == pytest.approx(expected, rel=1e-6)  # float32 sums


def test_each_index_of_an_axis_may_have_a_step():
    each = made(LearnedStep, 4, axis=-1)
    assert each.value.shape == (1, 4)
    each.calibrate(X)
    largest = np.abs(X).max(axis=0)
    assert (np.asarray(each.value)[0] <= largest / 7 + 1e-6).all() and (np.asarray(each.value) > 0).all()
    assert each.scale_bytes(X.shape) == 16 and made(LearnedStep, 4).scale_bytes(X.shape) == 4


def test_calibration_finds_the_step_of_least_error():
    each = made(LearnedStep, 3)
    x = np.array([0.25, 0.5, -0.75, 0.75, 0.5], np.float32)
    each.calibrate(x)
    assert float(each.value) == 0.25
    assert equal(each(x), x)
    normal = np.random.default_rng(0).normal(size=2000).astype(np.float32)
    each.calibrate(normal)
    steps = np.linspace(0.05, 2.0, 200)
    errors = [np.square(np.clip(np.rint(normal / s), -3, 3) * s - normal).sum() for s in steps]
    found = np.square(np.asarray(each(normal)) - normal).sum()
    assert found <= min(errors) * 1.01  # 64 shares are tried


def test_calibration_of_zeros_gives_a_step():
    each = made(LearnedStep, 4)
    each.calibrate(np.zeros((3,), np.float32))
    assert 0.0 < float(each.value) < 1e-10
    assert equal(each(np.zeros(3, np.float32)), np.zeros(3, np.float32))


def test_what_is_collected_calibrates():
    each, other = made(LearnedStep, 4), made(LearnedStep, 4)
    each.begin_collection()
    each(X[:1])
    each(X[1:])
    each.end_collection()
    other.calibrate(X)
    assert equal(each.value, other.value) and float(each.value) != 1.0
    untouched = made(LearnedStep, 4)
    untouched.begin_collection()
    untouched.end_collection()
    assert float(untouched.value) == 1.0


def test_a_limit_learns_from_the_numbers_beyond_it():
    each = made(LearnedLimit, 4)
    each.value.assign(1.5)
    # Steps of 0.1; ties go up, and the sums are float32.
    assert np.asarray(each(X)).reshape(-1).tolist() == pytest.approx([0.0, 0.5, 1.5, 0.3, 0.3, 0.0, 1.5, 0.0], abs=1e-6)
    of_x, of_limit = gradients(each)
    assert of_x.tolist() == [[0.0, 1.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0]]
    # Two numbers are above it; divided by sqrt(4 numbers of an example * 15), float32.
    assert of_limit == pytest.approx(2.0 / np.sqrt(60.0), rel=1e-6)


def test_a_signed_limit_has_its_opposite():
    each = made(LearnedLimit, 3, signed=True)
    each.value.assign(3.0)
    assert np.asarray(each(X)).tolist() == [[-1.0, 1.0, 3.0, 0.0], [0.0, 0.0, 2.0, -3.0]]
    assert gradients(each)[1] == pytest.approx(-1.0 / np.sqrt(12.0), rel=1e-6)  # one number is below the opposite
    each.calibrate(np.array([3.0, -2.0, 1.0], np.float32))
    assert float(each.value) == 3.0


def test_a_step_driven_below_zero_does_not_divide_by_it():
    for each in (made(LearnedStep, 4), made(LearnedLimit, 4)):
        each.value.assign(-1.0)
        assert np.isfinite(np.asarray(each(X))).all()


def test_impossible_settings_are_refused():
    with pytest.raises(ConfigError, match=r"`width` of integers must be in \[2, 16\]. Received: width=1."):
        LearnedStep(1)
    with pytest.raises(
        ConfigError, match=r"A learned limit is one for the tensor. Received: axis=0; use a learned step."
    ):
        LearnedLimit(4, axis=0)


def test_the_integers_and_what_is_trained_name_it():
    assert LearnedStep(4).description == "int4 learned step"
    assert LearnedLimit(2).description == "uint2 learned limit"
    assert LearnedStep(4).code_bits == 4
