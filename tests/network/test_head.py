"""Tests of the end that all classifiers share."""

import keras

from source.network import _head


def head(**settings):
    features = keras.Input((4,))
    return keras.Model(features, _head.classify(features, 3, **settings))


def test_the_head_is_one_linear_layer():
    model = head()
    assert [layer.name for layer in model.layers][1:] == ["logits"]
    assert model.count_params() == 4 * 3 + 3
    assert model.get_layer("logits").dtype == "float32"


def test_dropout_comes_before_the_head_and_leaves_its_name():
    model = head(dropout=0.25)
    assert [layer.name for layer in model.layers][1:] == ["logits_dropout", "logits"]
    assert model.get_layer("logits_dropout").rate == 0.25


def test_the_initialiser_can_be_chosen():
    assert isinstance(
        head(kernel_initializer="he_normal").get_layer("logits").kernel_initializer,
        keras.initializers.HeNormal,
    )
