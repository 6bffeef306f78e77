import h5py
import keras
import numpy as np
import pytest

from source.config.errors import CheckpointError
from source.modeler import _keras2_file, _weights_file


def write(path, layers, root="model_weights"):
    """Writes a file as Keras 2 did: `layers` maps names of layers to their arrays by stored names."""
    with h5py.File(path, "w") as archive:
        group = archive.create_group(root) if root else archive
        group.attrs["layer_names"] = [name.encode() for name in layers]
        for name, arrays in layers.items():
            layer = group.create_group(name)
            layer.attrs["weight_names"] = [stored.encode() for stored in arrays]
            for stored, array in arrays.items():
                layer[stored] = array
    return str(path)


def read(path):
    weights = _weights_file.read(str(path))
    assert weights.ordered and not weights.numbered and not weights.ours
    return weights.arrays


LAYERS = {
    "input_1": {},
    "z_conv": {"z_conv/kernel:0": np.ones((1, 1, 2, 3)), "z_conv/bias:0": np.zeros(3)},
    "a_norm": {f"a_norm/{name}:0": np.ones(3) for name in ("gamma", "beta", "moving_mean", "moving_variance")},
}


@pytest.mark.parametrize("root", ["model_weights", ""])
def test_variables_are_given_by_path_in_the_order_of_the_layers(tmp_path, root):
    arrays = read(write(tmp_path / "m.h5", LAYERS, root))
    assert list(arrays) == [
        "z_conv/kernel",
        "z_conv/bias",
        "a_norm/gamma",
        "a_norm/beta",
        "a_norm/moving_mean",
        "a_norm/moving_variance",
    ]
    np.testing.assert_array_equal(arrays["z_conv/kernel"], np.ones((1, 1, 2, 3)))


def test_layers_of_a_nested_model_keep_their_own_names(tmp_path):
    arrays = read(write(tmp_path / "m.h5", {"base": {"conv/kernel:0": np.ones(2), "block/conv/kernel:0": np.ones(3)}}))
    assert {path: array.shape for path, array in arrays.items()} == {"conv/kernel": (2,), "block/conv/kernel": (3,)}


def test_a_variable_without_a_path_belongs_to_its_layer(tmp_path):
    assert list(read(write(tmp_path / "m.h5", {"scale": {"factor:0": np.ones(2)}}))) == ["scale/factor"]


def test_the_kernel_of_a_depthwise_convolution_is_called_as_in_keras_3(tmp_path):
    layers = {
        "deep": {"deep/depthwise_kernel:0": np.ones(1)},
        "both": {"both/depthwise_kernel:0": np.ones(1), "both/pointwise_kernel:0": np.ones(1)},
    }
    assert list(read(write(tmp_path / "m.h5", layers))) == [
        "deep/kernel",
        "both/depthwise_kernel",
        "both/pointwise_kernel",
    ]


def test_long_lists_of_names_are_put_together(tmp_path):
    path = write(tmp_path / "m.h5", LAYERS)
    with h5py.File(path, "a") as archive:
        group = archive["model_weights"]
        del group.attrs["layer_names"]
        group.attrs["layer_names0"] = [b"input_1", b"z_conv"]
        group.attrs["layer_names1"] = [b"a_norm"]
    assert list(read(path))[::5] == ["z_conv/kernel", "a_norm/moving_variance"]


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_what_keras_writes_in_this_form_is_read(tmp_path):
    layers = [
        keras.layers.SeparableConv2D(3, 1, name="separable"),
        keras.layers.DepthwiseConv2D(1, name="depthwise"),
        keras.layers.BatchNormalization(name="norm"),
        keras.layers.Reshape((4, 3)),
        keras.layers.LSTM(2, name="lstm"),
        keras.layers.Dense(5, name="head"),
    ]
    model = keras.Sequential([keras.Input((2, 2, 3)), *layers])
    model.save(tmp_path / "m.h5")
    arrays = read(tmp_path / "m.h5")
    assert list(arrays) == [weight.path for weight in model.weights]
    for weight in model.weights:
        np.testing.assert_array_equal(arrays[weight.path], weight.numpy())


def test_a_file_of_keras_3_is_none_of_these(tmp_path):
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save_weights(tmp_path / "m.weights.h5")
    with h5py.File(tmp_path / "m.weights.h5") as archive:
        assert not _keras2_file.is_of_keras2(archive)


def spoil(path, change):
    with h5py.File(path, "a") as archive:
        change(archive["model_weights"])


def rename_twice(group):
    group["z_conv"].attrs["weight_names"] = [b"z_conv/kernel:0", b"z_conv/kernel:0"]


def remove_a_layer(group):
    del group["z_conv"]


def link_a_layer(group):
    del group["z_conv"]
    group["z_conv"] = h5py.ExternalLink("other.h5", "/")


def name_a_group(group):
    group["z_conv"].attrs["weight_names"] = [b"z_conv"]


def climb_out(group):
    group["z_conv"].attrs["weight_names"] = [b"../a_norm/gamma:0"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (rename_twice, "it has two variables called z_conv/kernel"),
        (remove_a_layer, "it has no z_conv in /model_weights"),
        (link_a_layer, "it has a link at /model_weights/z_conv"),
        (name_a_group, "/model_weights/z_conv/z_conv is no array"),
        (climb_out, r"it has no \.\. in /model_weights/z_conv"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(tmp_path, change, message):
    path = write(tmp_path / "m.h5", LAYERS)
    spoil(path, change)
    with pytest.raises(CheckpointError, match=rf"m\.h5 cannot be read: {message}"):
        _weights_file.read(path)


def test_the_description_of_the_model_is_not_opened(tmp_path):
    path = write(tmp_path / "m.h5", LAYERS)
    with h5py.File(path, "a") as archive:
        archive.attrs["model_config"] = "this is no description of a model"
    assert len(read(path)) == 6
