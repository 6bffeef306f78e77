import re

import numpy as np
import pytest

from source.config.errors import CheckpointError
from source.modeler import _pytorch_arrays, _weights_file

STATE = {
    "layer1.0.conv.weight": np.arange(24.0).reshape(4, 3, 1, 2),
    "layer1.0.bn.weight": np.ones(4),
    "layer1.0.bn.bias": np.zeros(4),
    "layer1.0.bn.running_mean": np.full(4, 2.0),
    "layer1.0.bn.running_var": np.full(4, 3.0),
    "layer1.0.bn.num_batches_tracked": np.array(7),
    "fc.weight": np.arange(8.0).reshape(2, 4),
    "fc.bias": np.zeros(2),
}


def test_names_and_axes_are_those_of_keras():
    arrays = _pytorch_arrays.translated(STATE)
    assert {path: array.shape for path, array in arrays.items()} == {
        "layer1.0.conv/kernel": (1, 2, 3, 4),
        "layer1.0.bn/gamma": (4,),
        "layer1.0.bn/beta": (4,),
        "layer1.0.bn/moving_mean": (4,),
        "layer1.0.bn/moving_variance": (4,),
        "fc/kernel": (4, 2),
        "fc/bias": (2,),
    }
    kernel, stored = arrays["layer1.0.conv/kernel"], STATE["layer1.0.conv.weight"]
    assert all(kernel[0, w, i, o] == stored[o, i, 0, w] for w in range(2) for i in range(3) for o in range(4))
    np.testing.assert_array_equal(arrays["fc/kernel"], STATE["fc.weight"].T)
    assert arrays["layer1.0.bn/moving_variance"][0] == 3


def test_a_normalisation_without_scale_keeps_its_statistics():
    arrays = _pytorch_arrays.translated({"bn.running_mean": np.zeros(2), "bn.running_var": np.ones(2)})
    assert list(arrays) == ["bn/moving_mean", "bn/moving_variance"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (list(STATE), True),
        (["conv1/kernel"], False),
        (["weight"], False),
        (["fc.weight", "step"], False),
        (["model/fc.kernel"], False),
        ([], False),
    ],
)
def test_a_state_dictionary_is_known_by_its_names(names, expected):
    assert _pytorch_arrays.is_of_pytorch(names) is expected


def test_an_npz_file_of_a_state_dictionary_is_translated_in_its_order(tmp_path):
    np.savez(tmp_path / "w.npz", **STATE)
    weights = _weights_file.read(str(tmp_path / "w.npz"))
    assert weights.ordered and not weights.ours
    assert list(weights.arrays) == list(_pytorch_arrays.translated(STATE))


def test_a_dense_layer_behind_flattened_pictures_is_refused(tmp_path):
    np.savez(tmp_path / "w.npz", **{"conv.weight": np.ones((5, 1, 3, 3)), "fc.weight": np.ones((2, 5 * 4))})
    message = (
        "`fc.weight` takes 20 features of 5 channels, flattened in the order (c, h, w), where Keras has (h, w, c)."
    )
    with pytest.raises(CheckpointError, match=re.escape(message)):
        _weights_file.read(str(tmp_path / "w.npz"))


def test_dense_layers_in_a_row_are_taken(tmp_path):
    arrays = {"conv.weight": np.ones((5, 1, 3, 3)), "fc1.weight": np.ones((10, 5)), "fc2.weight": np.ones((2, 10))}
    assert _pytorch_arrays.translated(arrays)["fc2/kernel"].shape == (10, 2)
