"""Tests of names that last."""

import keras
import numpy as np

from source.network._application_names import named


def build():
    inputs = keras.Input((6, 6, 3), name="image")
    normalization = keras.layers.Normalization(axis=-1)
    normalization.adapt(np.random.default_rng(0).normal(3, 2, (8, 6, 6, 3)))
    x = normalization(inputs)
    x = keras.layers.Conv2D(4, 3, name="mine")(x)
    x = keras.layers.Conv2D(4, 3, name="conv2d_77")(x)
    x = keras.layers.Conv2D(5, 1)(x)
    x = keras.layers.BatchNormalization()(x)
    return keras.Model(inputs, keras.layers.Conv2D(6, 1)(x), name="tiny")


def test_counted_names_are_numbered_from_one_in_every_build():
    for _ in range(2):
        names = [layer.name for layer in named(build()).layers]
        assert names == [
            "image",
            "normalization_1",
            "mine",
            "conv2d_1",
            "conv2d_2",
            "batch_normalization_1",
            "conv2d_3",
        ]


def test_the_function_and_the_inputs_stay():
    model = build()
    renamed = named(model)
    x = np.random.default_rng(1).normal(size=(2, 6, 6, 3)).astype("float32")
    assert np.array_equal(model.predict(x, verbose=0), renamed.predict(x, verbose=0))
    assert renamed.inputs[0] is model.inputs[0]
    assert renamed.name == "tiny"


def test_weights_have_the_lasting_names_in_their_paths():
    assert named(build()).get_layer("conv2d_3").kernel.path == "conv2d_3/kernel"


def test_a_model_whose_names_are_right_is_returned_as_it_is():
    model = named(build())
    assert named(model) is model
