"""Tests of `source.layer.distillation_loss`."""

import keras
import numpy as np
import pytest
from keras import layers

from source.config.errors import ConfigError, TrainingError
from source.layer.distillation_loss import DistillationLoss


def taught(strength=1.0, temperature=2.0, teacher_logits=((0.0, 2.0),)) -> DistillationLoss:
    layer = DistillationLoss(strength, temperature, name="loss")
    inputs = keras.Input((1,))
    teacher = keras.Model(inputs, layers.Dense(2, kernel_initializer="zeros")(inputs))
    teacher.layers[-1].bias.assign(teacher_logits[0])
    layer.teach_with(teacher)
    return layer


def test_logits_pass_unchanged_in_training_and_inference():
    logits = np.array([[1.0, -3.0]], np.float32)
    layer = taught()
    for training in (True, False):
        np.testing.assert_array_equal(layer(logits, np.zeros((1, 1)), training=training), logits)


def test_the_loss_is_the_divergence_times_the_squared_temperature():
    layer = taught(strength=0.5, temperature=2.0)
    layer(np.array([[1.0, 0.0]], np.float32), np.zeros((1, 1)), training=True)
    # softmax([0, 1]) against softmax([.5, 0]): p = (.268941, .731059), q = (.622459, .377541)
    expected = 0.5 * 4.0 * (0.268941 * np.log(0.268941 / 0.622459) + 0.731059 * np.log(0.731059 / 0.377541))
    assert float(layer.losses[0]) == pytest.approx(expected, rel=1e-5)  # the six digits above


def test_equal_logits_cost_nothing():
    layer = taught(teacher_logits=((0.0, 2.0),))
    layer(np.array([[0.0, 2.0]], np.float32), np.zeros((1, 1)), training=True)
    assert float(layer.losses[0]) == 0.0


def test_inference_adds_no_loss_and_asks_no_teacher():
    layer = DistillationLoss(name="loss")
    layer(np.zeros((1, 2), np.float32), np.zeros((1, 1)), training=False)
    assert layer.losses == []


def test_training_without_a_teacher_is_an_error():
    layer = DistillationLoss(name="loss")
    with pytest.raises(TrainingError, match=r"Layer `loss` has no teacher: .* Call `compressor.attach\(model\)`"):
        layer(np.zeros((1, 2), np.float32), np.zeros((1, 1)), training=True)


def test_the_teacher_is_no_part_of_the_layer():
    assert taught().variables == []


@pytest.mark.parametrize("settings", [{"strength": 0.0}, {"temperature": -1.0}])
def test_numbers_must_be_positive(settings):
    with pytest.raises(ConfigError, match=r"`strength` and `temperature` must be positive\. Received: \w+="):
        DistillationLoss(**settings)
