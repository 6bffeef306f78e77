"""Tests of pictures of activations."""

import keras
import numpy as np
import pytest

from source.config.errors import DataError
from source.exporter.picture.activation_pictures import draw_activations, layers_of
from source.exporter.picture.pictures import Pictures


@pytest.fixture(scope="module")
def model():
    inputs = keras.Input((8, 8, 3), name="image")
    x = keras.layers.Conv2D(70, 3, name="conv")(inputs)
    x = keras.layers.ReLU(name="relu")(x)
    x = keras.layers.Reshape((36, 70), name="line")(x)
    x = keras.layers.GlobalAveragePooling1D(name="mean")(x)
    return keras.Model(inputs, keras.layers.Dense(5, name="head")(x))


def names(layers):
    return [layer.name for layer in layers]


def test_layers_with_maps_are_drawn_unless_some_are_named(model):
    assert names(layers_of(model)) == ["conv", "relu"]
    assert names(layers_of(model, ["he*", "conv"])) == ["conv", "head"]
    with pytest.raises(DataError, match=r"no layer fits `cnv`\. Did you mean `conv`"):
        layers_of(model, ["cnv"])
    with pytest.raises(DataError, match="no layer fits `line`"):
        layers_of(model, ["line"])


def test_a_picture_for_each_example_and_layer_is_written(model, tmp_path):
    images = np.random.normal(size=(2, 8, 8, 3)).astype(np.float32)
    images[1] = np.nan
    with Pictures(tmp_path, "svg") as pictures:
        draw_activations(model, [images], ["cat", "dog"], layers_of(model, ["conv", "head"]), pictures)
    expected = [f"{name}-{what}.svg" for name in ("cat", "dog") for what in ("input", "conv", "head")]
    assert [path.name for path in pictures.paths] == expected
    assert "70 maps, the first 64, from " in (tmp_path / "cat-conv.svg").read_text()


def test_a_model_without_maps_needs_names(tmp_path):
    plain = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    with Pictures(tmp_path) as pictures, pytest.raises(DataError, match=r"Name layers: --names PATTERN\."):
        draw_activations(plain, [np.ones((1, 4))], ["a"], layers_of(plain), pictures)
