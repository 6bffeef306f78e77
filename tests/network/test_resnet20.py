"""Tests of ResNet-20 for small images."""

import numpy as np
import pytest
import tensorflow as tf

from source.network import resnet20
from tests.network.counting import images, multiplications, total, trainable

# Table 6 of https://arxiv.org/abs/1512.03385 gives 0.27 M parameters.


@pytest.mark.parametrize(
    ("shortcut", "parameters", "statistics", "macs"),
    [("A", 269_722, 1_376, 40_551_040), ("B", 272_474, 1_568, 40_813_184)],
)
def test_layers_and_counts_are_those_of_the_paper(shortcut, parameters, statistics, macs):
    model = resnet20.build(resnet20.Config(shortcut=shortcut), images(32, 32, 3))
    assert trainable(model) == parameters
    assert total(model) == parameters + statistics
    assert multiplications(model) == macs
    weighted = [layer.name for layer in model.layers if "conv" in layer.name and layer.weights]
    projections = 2 if shortcut == "B" else 0
    assert len(weighted) + 1 == 20 + projections
    assert model.name == "resnet20"


# The interpreter moves to a package of its own; the one in TensorFlow announces that on every use.
@pytest.mark.filterwarnings("ignore:(?s).*tf.lite.Interpreter is deprecated:UserWarning")
def test_litert_runs_the_model_with_the_same_result(tmp_path):
    model = resnet20.build(resnet20.Config(shortcut="A"), images(32, 32, 3))
    path = str(tmp_path / "model.tflite")
    model.export(path, format="litert", verbose=False)
    x = np.random.default_rng(0).normal(size=(1, 32, 32, 3)).astype("float32")
    # Sums of up to 576 products in another order: a few units of the 24th bit of values near 1.
    assert np.allclose(interpret(path, x), model.predict(x, verbose=0), rtol=1e-4, atol=1e-4)


def interpret(path, x):
    interpreter = tf.lite.Interpreter(path)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
