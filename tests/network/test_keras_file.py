"""Tests of networks from files."""

import keras
import numpy as np
import pytest

from source.config.errors import ConfigError, EspalierError
from source.network import keras_file
from tests.network.counting import images


@pytest.fixture
def saved(tmp_path):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((4, 4, 3))
    model = keras.Model(inputs, keras.layers.Dense(5)(keras.layers.Flatten()(inputs)))
    model.save(tmp_path / "model.keras")
    return model, str(tmp_path / "model.keras")


def test_the_model_comes_with_its_weights(saved):
    model, path = saved
    found = keras_file.build(keras_file.Config(path=path, num_classes=5), images(4, 4, 3))
    for one, other in zip(found.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_fresh_weights_are_others(saved):
    model, path = saved
    found = keras_file.build(keras_file.Config(path=path, fresh=True), images(4, 4, 3))
    assert found.count_params() == model.count_params()
    assert not np.array_equal(found.get_weights()[0], model.get_weights()[0])


def test_images_of_another_shape_are_refused(saved):
    message = r"path: the model of model\.keras takes images \(4, 4, 3\)\. Received: \(8, 4, 3\)\. Set image_height"
    with pytest.raises(ConfigError, match=message):
        keras_file.build(keras_file.Config(path=saved[1]), images(8, 4, 3))


def test_a_model_of_two_inputs_is_refused(tmp_path):
    inputs = [keras.Input((2,)), keras.Input((2,))]
    keras.Model(inputs, keras.layers.Add()(inputs)).save(tmp_path / "two.keras")
    with pytest.raises(ConfigError, match=r"expected a model of one input\. This one has 2\."):
        keras_file.build(keras_file.Config(path=str(tmp_path / "two.keras")), images(4, 4, 3))


def test_no_file_is_refused():
    with pytest.raises(ConfigError, match=r"path: keras_file needs the path of a `\.keras` file"):
        keras_file.build(keras_file.Config(), images(4, 4, 3))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(EspalierError, match=r"missing\.keras"):
        keras_file.build(keras_file.Config(path=str(tmp_path / "missing.keras")), images(4, 4, 3))
