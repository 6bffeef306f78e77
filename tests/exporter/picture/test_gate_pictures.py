"""Tests of pictures of gates."""

import keras
import numpy as np
import pytest

from espalier import compressor
from source.config.errors import DataError
from source.exporter.picture.gate_pictures import Gate, chosen_gates, draw_gate, read_gates
from source.exporter.picture.pictures import Pictures


@pytest.fixture(scope="module")
def models():
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(6, 3, use_bias=False, name="first")(inputs)
    x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(x)))
    boosting = compressor("feature_boosting", density=0.5, schedule="one_shot")
    prepared = boosting.prepare(model)
    boosting.update(0)
    return prepared, boosting.finish(prepared)


@pytest.mark.parametrize("which", [0, 1])
def test_gates_are_read_by_class_before_and_after_finishing(models, which):
    images, labels = np.random.normal(size=(10, 8, 8, 3)).astype(np.float32), np.arange(10) % 2 + 3
    [gate] = read_gates(models[which], [images], labels)
    assert gate.classes == (3, 4) and gate.saliency.shape == gate.active.shape == (2, 6)
    np.testing.assert_array_equal(gate.active.sum(axis=1), [3, 3])  # half of six channels for each example
    [whole] = read_gates(models[which], [images], None)
    assert whole.classes == (0,)
    # Means of means of five examples each, in float32.
    np.testing.assert_allclose(whole.saliency[0], gate.saliency.mean(axis=0), rtol=1e-5)


def test_mistakes_are_named(models):
    images = np.ones((3, 8, 8, 3), np.float32)
    with pytest.raises(DataError, match=r"labels: expected one for each of 3 inputs\. Received: 2\."):
        read_gates(models[0], [images], np.zeros(2))
    with pytest.raises(DataError, match="there are no gates in the model"):
        read_gates(keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]), [np.ones((1, 4))], None)


def test_gates_are_drawn_and_chosen(tmp_path):
    gate = Gate("gate_1", (3, 7), np.random.uniform(size=(2, 5)), np.random.uniform(size=(2, 5)))
    with Pictures(tmp_path, "svg") as pictures:
        draw_gate(gate, pictures)
    text = pictures.paths[0].read_text()
    assert pictures.paths[0].name == "gate-gate_1.svg"
    assert "gate_1: mean saliency" in text and "gate_1: share let through" in text
    assert chosen_gates([gate], []) == chosen_gates([gate], ["gate*"]) == [gate]
    with pytest.raises(DataError, match=r"no gate fits `gate_2`\. Did you mean `gate_1`"):
        chosen_gates([gate], ["gate_2"])
