"""Tests of rounding within limits that follow the batches or were calibrated."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from source.config.errors import ConfigError
from source.layer.calibrated_quantize import CalibratedQuantize
from source.numeric import number_format
from source.numeric.calibration import Percentile
from tests.layer.kinds import equal

X = np.array([[-1.0, 0.5, 3.0], [0.25, -0.125, 2.0]], np.float32)


def made(**settings) -> CalibratedQuantize:
    each = CalibratedQuantize(**settings)
    each.build((None, 3))
    each.built = True
    return each


def limits(each: CalibratedQuantize) -> tuple[float, float]:
    return float(each.low), float(each.high)


def test_limits_jump_to_the_first_batch_and_follow_the_next_ones():
    each = made(momentum=0.75)
    each(X, training=True)
    assert limits(each) == (-1.0, 3.0) and float(each.known) == 1.0
    each(2.0 * X, training=True)
    assert limits(each) == (-1.25, 3.75)
    each(X)
    assert limits(each) == (-1.25, 3.75)


def test_before_there_are_limits_those_of_the_batch_serve():
    assert equal(made()(X), keras.quantizers.fake_quant_with_min_max_vars(X, -1.0, 3.0))
    each = made()
    each(X)
    assert float(each.known) == 0.0


def test_frozen_limits_stay():
    each = made(momentum=0.5)
    each.freeze()
    assert float(each.frozen) == 0.0  # nothing to freeze yet
    each(X, training=True)
    each.freeze()
    each(10.0 * X, training=True)
    assert limits(each) == (-1.0, 3.0)


def test_symmetric_limits_and_positive_numbers():
    each = made(symmetric=True)
    each(X, training=True)
    assert limits(each) == (-3.0, 3.0)
    # 127 steps to each side, as int8 has them.
    assert equal(each(X), np.rint(X / np.float32(3 / 127)) * np.float32(3 / 127)) or np.allclose(
        each(X),
        number_format("int8").round(X),
        atol=2.0**-22,  # an ulp of 3: the scale is rounded otherwise
    )
    each = made(positive=True)
    each(X, training=True)
    assert limits(each) == (0.0, 3.0)


def test_zero_is_always_within_the_limits():
    each = made()
    each.calibrate(np.array([2.0, 4.0], np.float32))
    assert limits(each) == (0.0, 4.0)
    each.set_limits(-3.0, -1.0)
    assert limits(each) == (-3.0, 0.0)
    each = made(symmetric=True)
    each.set_limits(-3.0, 1.0)
    assert limits(each) == (-3.0, 3.0)


def test_an_observer_finds_the_limits():
    each = made()
    each.begin_collection()
    each(X)
    each(X * 4.0)
    assert limits(each) == (0.0, 0.0)
    each.end_collection()
    assert limits(each) == (-4.0, 12.0)
    each = made()
    each.observer = Percentile(50.0)
    each.begin_collection()
    each(X)
    each.end_collection()
    assert -1.0 <= limits(each)[0] <= 0.0 and limits(each)[1] < 3.0


def test_gradients_stop_beyond_the_limits():
    each = made()
    each.set_limits(-0.5, 2.0)
    each.freeze()
    x = tf.convert_to_tensor(X)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = each(x, training=True)
    assert np.asarray(tape.gradient(y, x)).tolist() == [[0.0, 1.0, 0.0], [1.0, 1.0, 1.0]]


def test_eight_bits_last_as_an_operation_of_keras_and_others_as_a_layer():
    each = made()
    assert isinstance(each.lasting(), CalibratedQuantize)  # its limits are not known
    each.set_limits(-1.0, 3.0)
    assert not isinstance(each.lasting(), keras.layers.Layer)
    assert equal(each.lasting()(keras.ops.convert_to_tensor(X)), each(X))
    each = made(width=4)
    each.set_limits(-1.0, 3.0)
    assert isinstance(each.lasting(), CalibratedQuantize)
    assert equal(each.lasting()(X), each(X))


@pytest.mark.parametrize("momentum", [-0.1, 1.0])
def test_impossible_settings_are_refused(momentum):
    with pytest.raises(ConfigError, match=rf"`momentum` must be in \[0, 1\). Received: momentum={momentum}."):
        CalibratedQuantize(momentum=momentum)
    with pytest.raises(ConfigError, match=r"`width` of integers must be in \[2, 16\]. Received: width=17."):
        CalibratedQuantize(17)


def test_the_integers_name_it():
    assert CalibratedQuantize(4).description == "uint4"
    assert CalibratedQuantize(8, symmetric=True).description == "int8"
