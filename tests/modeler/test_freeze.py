import keras
import numpy as np
import pytest
import tensorflow as tf

from source.config.errors import ConfigError
from source.modeler import _freeze
from tests.modeler.conftest import SHAPE, with_norm


def test_only_the_named_layers_are_trained(make_modeler, batch):
    modeler = make_modeler(with_norm, trainable_vars=("head",))
    assert [weight.path for weight in modeler.model.trainable_variables] == ["head/kernel", "head/bias"]
    before = {weight.path: weight.numpy() for weight in modeler.model.weights}
    tf.function(modeler.train_step)(batch)
    moved = {w.path for w in modeler.model.weights if not np.array_equal(w.numpy(), before[w.path])}
    assert moved == {"head/kernel", "head/bias"}  # the statistics of `norm` rest too


def test_statistics_move_when_their_layer_is_trained(make_modeler, batch):
    modeler = make_modeler(with_norm, trainable_vars=("head", "norm/gamma"))
    tf.function(modeler.train_step)(batch)
    norm = modeler.model.get_layer("norm")
    assert [weight.name for weight in norm.trainable_variables] == ["gamma"]
    assert not np.array_equal(norm.moving_mean.numpy(), np.zeros(4))


def test_layers_of_a_nested_model_are_frozen_one_by_one(make_modeler, batch):
    def nested(inputs, num_classes):
        base_inputs = keras.Input(SHAPE)
        x = keras.layers.BatchNormalization(name="norm")(keras.layers.Conv2D(2, 1, name="conv")(base_inputs))
        base = keras.Model(base_inputs, x, name="base")
        return keras.layers.Dense(num_classes, name="head")(keras.layers.Flatten()(base(inputs)))

    modeler = make_modeler(nested, trainable_vars=("conv", "head"))
    assert [weight.path for weight in modeler.model.trainable_variables] == [
        "conv/kernel",
        "conv/bias",
        "head/kernel",
        "head/bias",
    ]
    modeler.train_step(batch)
    np.testing.assert_array_equal(modeler.model.get_layer("base").get_layer("norm").moving_mean.numpy(), [0, 0])


def test_no_filter_trains_all(make_modeler):
    assert len(make_modeler(with_norm).model.trainable_variables) == 6


def test_a_filter_without_effect_is_answered_with_the_nearest_layers(make_modeler):
    with pytest.raises(ConfigError, match=r"trainable_vars: no weight .* has `haed` in its path\. .*`head`"):
        make_modeler(with_norm, trainable_vars=("conv", "haed"))


def test_weights_outside_of_layers_are_frozen_too():
    class Scaled(keras.Model):
        def __init__(self):
            super().__init__()
            self.scale = self.add_weight(shape=(), name="scale")
            self.head = keras.layers.Dense(2, name="head")

        def call(self, inputs):
            return self.head(inputs) * self.scale

    model = Scaled()
    model(np.zeros((1, 3), np.float32))
    _freeze.train_only(model, ["head"])
    assert [weight.name for weight in model.trainable_variables] == ["kernel", "bias"]
