import keras
import numpy as np
import pytest

from source.modeler import _layer_order, _naming


def model(classes=3):
    inputs = keras.Input((4, 4, 2))
    x = keras.layers.Conv2D(5, 3, name="stem")(inputs)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.Conv2D(5, 1, name="second")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, keras.layers.Dense(classes, name="head")(x))


def variables(**settings):
    return _naming.model_names(model(**settings))


def arrays(**changes):
    """Returns what another library might have: another name for each layer, the normalisation listed last."""
    shapes = {
        "conv2d_3/kernel": (3, 3, 2, 5),
        "conv2d_3/bias": (5,),
        "conv2d_4/kernel": (1, 1, 5, 5),
        "conv2d_4/bias": (5,),
        "dense_1/kernel": (5, 3),
        "dense_1/bias": (3,),
        **{f"bn/{name}": (5,) for name in ("gamma", "beta", "moving_mean", "moving_variance")},
    }
    return {path: np.zeros(shape) for path, shape in {**shapes, **changes}.items() if shape is not None}


def test_the_layers_of_a_kind_are_matched_in_order():
    assert _layer_order.keys_by_order(variables(), arrays()) == {
        "stem/kernel": "conv2d_3/kernel",
        "stem/bias": "conv2d_3/bias",
        "norm/gamma": "bn/gamma",
        "norm/beta": "bn/beta",
        "norm/moving_mean": "bn/moving_mean",
        "norm/moving_variance": "bn/moving_variance",
        "second/kernel": "conv2d_4/kernel",
        "second/bias": "conv2d_4/bias",
        "head/kernel": "dense_1/kernel",
        "head/bias": "dense_1/bias",
    }


def test_only_the_last_layer_may_have_another_shape():
    assert _layer_order.keys_by_order(variables(classes=7), arrays())["head/bias"] == "dense_1/bias"
    assert _layer_order.keys_by_order(variables(), arrays(**{"conv2d_4/kernel": (3, 3, 5, 5)})) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"more/kernel": (5, 3), "more/bias": (3,)},
        {"bn/gamma": None},
        {"dense_1/bias": None},
        {"global_step": ()},
    ],
)
def test_other_layers_are_no_match(changes):
    assert _layer_order.keys_by_order(variables(), arrays(**changes)) is None


def test_nothing_matches_nothing():
    assert _layer_order.keys_by_order({}, {}) == {}
