"""Tests of arrays read out of files of Keras."""

import zipfile

import h5py
import keras
import numpy as np
import pytest

from source.modeler.importing import keras_file


def test_files_of_keras_number_the_variables_of_a_layer(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="d")])
    model.save(tmp_path / "m.keras")
    model.save_weights(tmp_path / "m.weights.h5")
    for name in ("m.keras", "m.weights.h5"):
        read = keras_file.read(tmp_path / name)
        assert list(read) == ["d/0", "d/1"]
        np.testing.assert_array_equal(read["d/0"], model.get_weights()[0])


def test_files_of_keras_2_name_them(tmp_path):
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file["d/d/kernel:0"] = np.ones((3, 2))
        file.attrs["layer_names"] = ["d"]
        file["d"].attrs["weight_names"] = ["d/kernel:0"]
    assert list(keras_file.read(tmp_path / "m.h5")) == ["d/kernel"]


def test_an_array_that_claims_more_than_is_stored_is_refused_before_memory_is_taken(tmp_path):
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.create_group("layers/d/vars").create_dataset("0", (2**40,), "f4", chunks=(2**20,))
    with pytest.raises(ValueError, match=r"/layers/d/vars/0 claims 4,398,046,511,104 bytes, and 0 are stored for it"):
        keras_file.read(tmp_path / "m.h5")


def test_an_archive_without_weights_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(KeyError, match=r"model\.weights\.h5"):
        keras_file.read(tmp_path / "m.keras")
