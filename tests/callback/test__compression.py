import keras
import numpy as np
import pytest

from source.callback import _compression
from source.compressor.build import compressor
from tests.callback.test_compression import dense_model


def test_points_are_sparsity_bits_and_ends_of_what_layers_see():
    pruning = compressor("magnitude_pruning", sparsity=0.5, schedule="one_shot")
    model = pruning.prepare(dense_model())
    pruning.update(0)
    assert _compression.points(pruning, model) == {
        "compression/sparsity": pytest.approx(0.6),  # of kernel and bias together, which begins at zeros
        "compression/bits": 20.0,  # 4 numbers and a mask of the kernel, 2 of the bias: 25 bytes for 10
        "compression/head/kernel/sparsity": 0.5,
        "compression/head/kernel/bits": 17.0,
        "compression/head/kernel/low": -8.0,
        "compression/head/kernel/high": 7.0,
    }
    assert _compression.sparsity(model) == 0.5


def test_points_are_states_of_one_number_too():
    aware = compressor("quantize_aware")
    inputs = keras.Input((4,))
    model = aware.prepare(keras.Model(inputs, keras.layers.Dense(2, name="head")(inputs)))
    model(np.array([[-1.0, 0.5, 2.0, 3.0]], "float32"), training=True)
    points = _compression.points(aware, model)
    assert points["compression/head/kernel/bits"] == 16.0  # 8 codes of 8 bits and 2 scales of 32
    assert (points["compression/head/input_0/low"], points["compression/head/input_0/high"]) == (-1.0, 3.0)


def test_a_model_that_is_not_compressed_has_no_sparsity():
    assert _compression.sparsity(keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])) == 0.0
