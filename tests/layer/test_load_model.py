"""Tests that models with layers of ours come back from their files, and that files cannot bring code."""

import subprocess
import sys

import keras
import numpy as np
import pytest

from source.config.errors import ConfigError
from source.layer.compressed import Compressed
from source.layer.load_model import load_model
from source.layer.mask import Mask


def prepared():
    inputs = keras.Input((4,))
    layer = keras.layers.Dense(2, name="head")
    layer.build((None, 4))
    mask = Mask("TOPK{0.5}")
    model = keras.Model(inputs, Compressed(layer, {"kernel": [mask]})(inputs))
    mask.kept.assign(np.arange(8).reshape(4, 2) < 4)
    return model


def test_a_prepared_model_comes_back_with_its_masks(tmp_path):
    model, images = prepared(), np.ones((3, 4), "float32")
    model.save(tmp_path / "prepared.keras")
    loaded = load_model(tmp_path / "prepared.keras")
    np.testing.assert_array_equal(loaded(images), model(images))
    assert [variable.path for variable in loaded.variables] == [variable.path for variable in model.variables]


def test_a_process_that_knows_no_layer_of_ours_reads_it(tmp_path):
    prepared().save(tmp_path / "prepared.keras")
    script = "import sys, espalier; print(type(espalier.load_model(sys.argv[1]).layers[-1]).__name__)"
    command = [sys.executable, "-c", script, str(tmp_path / "prepared.keras")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split() == ["Compressed"]


def test_a_model_is_compiled_as_it_was_unless_that_is_not_wanted(tmp_path):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    model.save(tmp_path / "model.keras")
    assert load_model(tmp_path / "model.keras").compiled
    assert not load_model(tmp_path / "model.keras", compile=False).compiled


def test_classes_of_your_own_are_given(tmp_path):
    class Double(keras.layers.Layer):
        def call(self, x):
            return 2 * x

    keras.Sequential([keras.Input((4,)), Double()]).save(tmp_path / "own.keras")
    with pytest.raises(
        ConfigError, match=r"own\.keras: this model cannot be read: Could not locate class 'Double'\. It"
    ):
        load_model(tmp_path / "own.keras")
    loaded = load_model(tmp_path / "own.keras", custom_objects={"Double": Double})
    np.testing.assert_array_equal(loaded(np.ones((1, 4), "float32")), [[2, 2, 2, 2]])


def test_a_file_cannot_bring_code(tmp_path):
    keras.Sequential([keras.Input((4,)), keras.layers.Lambda(lambda x: x)]).save(tmp_path / "code.keras")
    with pytest.raises(ConfigError, match=r"code\.keras: this model cannot be read: .* a Python lambda\. It must"):
        load_model(tmp_path / "code.keras")


def test_a_file_that_is_missing_or_no_model_is_told(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.keras: there is no such file\.$"):
        load_model(tmp_path / "none.keras")
    (tmp_path / "text.keras").write_text("no model")
    with pytest.raises(
        ConfigError, match=r"text\.keras: this model cannot be read: .* It must be a file that `model\.save`"
    ):
        load_model(tmp_path / "text.keras")
