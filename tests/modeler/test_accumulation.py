import keras
import numpy as np
import pytest
import tensorflow as tf

from source.config.errors import ConfigError
from source.modeler import _accumulation


@pytest.mark.parametrize("parts", [2, 4])
def test_parts_of_a_batch_make_the_step_of_the_whole(make_modeler, batch, parts):
    settings = {"l2_weight_decay": 0.1, "clip_norm": 0.3, "class_weights": (1, 2, 3)}
    whole, split = make_modeler(**settings), make_modeler(accumulation_steps=parts, **settings)
    expected, outputs = whole.train_step(batch), tf.function(split.train_step)(batch)
    assert list(outputs) == list(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(outputs[name], value, rtol=2e-6, err_msg=name)  # sums in another order
    for ours, theirs in zip(split.model.get_weights(), whole.model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-6, atol=2e-7)


def test_regularisers_of_layers_count_once(make_modeler, batch):
    def regularised(inputs, num_classes):
        flat = keras.layers.Flatten()(inputs)
        return keras.layers.Dense(num_classes, kernel_regularizer=keras.regularizers.L2(0.1), name="head")(flat)

    whole, split = make_modeler(regularised), make_modeler(regularised, accumulation_steps=2)
    np.testing.assert_allclose(split.train_step(batch)["loss"], whole.train_step(batch)["loss"], rtol=2e-6)


def test_a_batch_of_unknown_size_is_cut_too(make_modeler, batch):
    whole, split = make_modeler(), make_modeler(accumulation_steps=2)
    signature = {name: tf.TensorSpec([None, *value.shape[1:]], value.dtype) for name, value in batch.items()}
    outputs = tf.function(split.train_step, input_signature=[signature])(batch)
    np.testing.assert_allclose(outputs["loss"], whole.train_step(batch)["loss"], rtol=2e-6)


def test_parts_must_divide_the_batch():
    batch = {"image": tf.zeros((5, 2))}
    with pytest.raises(ConfigError, match=r"must divide the batch of 5\. Received: accumulation_steps=2"):
        _accumulation.in_parts(lambda part: ({}, []), batch, 2)
