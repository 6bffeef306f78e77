"""Tests of rounding to formats in the forward and in the backward pass."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from source.config.errors import ConfigError
from source.layer.fake_quantize import FakeQuantize, RoundGradient
from source.numeric import number_format
from tests.layer.kinds import equal

X = np.random.default_rng(0).normal(0.0, 2.0, (4, 8)).astype(np.float32)


def gradient(each, x=X) -> np.ndarray:
    x = tf.convert_to_tensor(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = each(x, training=True)
    return np.asarray(tape.gradient(y, x, tf.convert_to_tensor(X)))


@pytest.mark.parametrize(
    "name", ["fixed<4,2>", "fp8_e4m3fn", "BFP[4|8]{4}", "int8<channel>", "mxfp4", "ternary", "SAME"]
)
def test_numbers_are_those_of_the_format(name):
    for axis in (0, -1):
        assert equal(FakeQuantize(name, axis=axis)(X), number_format(name).round(X, axis=axis))


def test_gradients_pass_straight_through_or_are_clipped():
    assert equal(gradient(FakeQuantize("fixed<4,2>")), X)
    # The numbers of the format reach from -2 to 1.75.
    inside = (X >= -2.0) & (X <= 1.75)
    assert equal(gradient(FakeQuantize("fixed<4,2>", gradient="clipped")), np.where(inside, X, 0.0).astype(np.float32))
    assert 0 < inside.sum() < inside.size


def test_stochastic_rounding_draws_anew_in_each_training_step_and_only_there():
    each = FakeQuantize("XP[6,2](CSS)")
    first, again, other = each(X), each(X, training=True), each(X, training=True)
    assert equal(first, again) and not equal(again, other)
    assert int(each.calls) == 2
    assert equal(each(X), number_format("XP[6,2](CSS)").round(X, seed=2))


def test_only_stochastic_rounding_has_a_state():
    each = FakeQuantize("int8")
    each(X)
    assert each.variables == []


def test_codes_and_scales_are_counted():
    assert FakeQuantize("int4").code_bits == 4 and FakeQuantize("SAME").code_bits is None
    # Ten blocks of four mantissas have an exponent of one byte each.
    assert FakeQuantize("BFP[4|8]{4}").scale_bytes((10, 4)) == 10
    assert FakeQuantize("fixed<4,2>").scale_bytes((10, 4)) == 0
    assert FakeQuantize("int8").description == str(number_format("int8"))


def test_another_gradient_is_refused():
    with pytest.raises(
        ConfigError, match=r"`gradient` must be straight_through or clipped. Received: gradient='none'."
    ):
        FakeQuantize("int8", gradient="none")


def test_a_gradient_is_rounded_and_the_tensor_is_not():
    each = RoundGradient("fixed<4,2>", axis=0)
    assert equal(each(X, training=True), X)
    assert equal(gradient(each), number_format("fixed<4,2>").round(X))
    assert each.lasting() is None
    assert each.description == f"gradient {number_format('fixed<4,2>')}"


def test_gradients_are_not_rounded_stochastically():
    with pytest.raises(
        ConfigError,
        match=r"Gradients are rounded without seeds. Received: format=XP\[6,2\]\(CSS\); use another rounding.",
    ):
        RoundGradient("XP[6,2](CSS)")


def test_a_format_is_saved_by_its_name(tmp_path):
    model = keras.Sequential([keras.Input((8,)), FakeQuantize("mxint8"), RoundGradient("fp8_e5m2")])
    model.save(tmp_path / "model.keras")
    assert equal(keras.saving.load_model(tmp_path / "model.keras")(X), model(X))
