"""Tests of `source.layer.channel_regularizer`."""

import numpy as np
import pytest
from keras import ops

from source.config.errors import TrainingError
from source.layer.channel_regularizer import ChannelRegularizer

X = np.arange(6.0, dtype=np.float32).reshape(2, 3)


def built(calls=1):
    layer = ChannelRegularizer(2, calls, name="loss")
    layer.build(X.shape)
    layer.built = True
    layer.begin(np.asarray([1.0, 2.0]), np.asarray([0.25, 0.5]))
    return layer


def test_tensors_pass_and_training_adds_the_term_once():
    layer = built(calls=2)
    layer.strength.assign(3.0)
    layer.add_to_loss(lambda thresholds: ops.sum(thresholds))
    np.testing.assert_array_equal(layer(X, training=True), X)
    assert [float(each) for each in layer.losses] == [3.0 * 0.75 / 2]
    np.testing.assert_array_equal(layer(X, training=False), X)
    assert layer.losses == []


def test_training_without_a_term_is_an_error():
    with pytest.raises(TrainingError, match=r"Layer `loss` does not know the channels that it makes small"):
        built()(X, training=True)


def test_nothing_of_it_lasts_and_its_state_is_no_weight_that_trains():
    layer = built()
    assert layer.lasting() is None
    assert layer.trainable_variables == [] and len(layer.variables) == 6
    np.testing.assert_array_equal(layer.initial, [1.0, 2.0])
    assert (int(layer.step), bool(layer.ended.numpy()), float(layer.strength)) == (-1, False, 0.0)
    assert layer.description == "loss of channels, strength 0"
    assert layer.get_config() == {"name": "loss", "owner": "", "channels": 2, "calls": 1}
