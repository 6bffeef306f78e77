import keras
import numpy as np
import tensorflow as tf

from source.modeler import _gradient


def test_a_weight_apart_from_the_loss_has_a_gradient_of_zeros():
    used, unused = tf.Variable([2.0]), tf.Variable([3.0, 4.0])
    scalars, gradients = _gradient.of_loss(lambda: {"loss": used[0] ** 2}, [used, unused], None)
    assert float(scalars["loss"]) == 4
    np.testing.assert_array_equal(gradients[0], [4])
    np.testing.assert_array_equal(gradients[1], [0, 0])


def test_the_scale_multiplies_gradients_but_not_the_loss():
    weight = tf.Variable(2.0)
    scalars, gradients = _gradient.of_loss(lambda: {"loss": weight**2}, [weight], tf.constant(1024.0))
    assert float(scalars["loss"]) == 4
    assert float(gradients[0]) == 4096


def test_l2_is_half_the_sum_of_squares():
    weights = [tf.Variable([3.0, 4.0]), tf.Variable([[2.0]])]
    assert float(_gradient.l2_loss(weights, 0.5)) == 0.5 * (25 + 4) / 2
    gradients = _gradient.add_l2([tf.ones(2), tf.ones((1, 1))], weights, {0}, 0.5)
    np.testing.assert_array_equal(gradients[0], [2.5, 3])
    np.testing.assert_array_equal(gradients[1], [[1]])


def test_clipping_keeps_the_direction():
    clipped, norm = _gradient.clip([tf.constant([3.0]), tf.constant([4.0])], 1.0, None)
    assert float(norm) == 5
    np.testing.assert_allclose(tf.concat(clipped, 0), [0.6, 0.8], rtol=1e-6)


def test_clipping_measures_without_the_scale_and_leaves_it():
    scaled = [tf.constant([3.0]) * 1024, tf.constant([4.0]) * 1024]
    clipped, norm = _gradient.clip(scaled, 1.0, tf.constant(1024.0))
    assert float(norm) == 5
    np.testing.assert_allclose(tf.concat(clipped, 0), [614.4, 819.2], rtol=1e-6)


def test_clipping_does_not_hide_what_is_not_finite():
    clipped, norm = _gradient.clip([tf.constant([np.inf]), tf.constant([4.0])], 1.0, None)
    assert np.isinf(norm)
    assert not np.isfinite(clipped[0]).any()


def test_only_a_loss_scale_optimizer_has_a_scale():
    weight = keras.Variable(1.0)
    plain = keras.optimizers.SGD(0.1)
    scaling = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), initial_scale=8.0)
    for optimizer in (plain, scaling):
        optimizer.build([weight])
    assert _gradient.loss_scale(plain) is None
    assert float(_gradient.loss_scale(scaling)) == 8
