"""Tests of models of which whole branches are taken out."""

import keras
import numpy as np
import pytest
from keras import layers

from source.config.errors import ConfigError
from source.graph.channel_groups import channel_groups
from source.surgery.channels import remove_channels
from tests.graph.channels.cutting import ROUNDING, drawn, largest_error, zero


def residual(merge=layers.Add) -> keras.Model:
    """Returns a trunk with a branch whose hidden channels nobody else reads, and no biases behind them."""
    inputs = keras.Input((4, 4, 3))
    x = layers.Conv2D(4, 1, name="trunk")(inputs)
    y = layers.Conv2D(5, 3, padding="same", use_bias=False, name="hidden")(x)
    y = layers.BatchNormalization(name="normal")(y)
    y = layers.Conv2D(4, 1, use_bias=False, name="branch")(layers.ReLU(name="relu")(y))
    x = merge(name="merge")([x, y])
    return keras.Model(inputs, layers.Dense(2, name="head")(layers.GlobalAveragePooling2D()(x)))


def without(model: keras.Model, *paths: str) -> keras.Model:
    """Returns the model without the channels of some layers, which are zeros in the model given from now on."""
    drawn(model)
    groups = channel_groups(model)
    removed = np.unique(np.concatenate([groups.channels_of(groups.flow.producers[path]) for path in paths]))
    zero(groups, removed)
    return remove_channels(model, groups, removed, allow_empty=True)


def names(model: keras.Model) -> list[str]:
    return [layer.name for layer in model.layers[1:]]


def test_a_branch_of_which_nothing_is_left_is_gone_from_the_sum():
    model = residual()
    smaller = without(model, "hidden")
    assert {"trunk", "head"} <= set(names(smaller))
    assert not {"hidden", "normal", "relu", "branch", "merge"} & set(names(smaller))
    assert largest_error(model, smaller) <= ROUNDING


def test_a_sum_of_what_is_left():
    inputs = keras.Input((3,))
    x, y, z = (layers.Dense(4, use_bias=False, name=f"to_{name}")(
        layers.Dense(3, name=name)(inputs)) for name in "xyz")  # fmt: skip
    model = keras.Model(inputs, layers.Dense(1, name="head")(layers.Add(name="sum")([x, y, z])))
    smaller = without(model, "y")
    assert {"sum", "to_x", "to_z"} <= set(names(smaller)) and not {"y", "to_y"} & set(names(smaller))
    assert largest_error(model, smaller) <= ROUNDING


def test_the_operator_plus_leaves_the_other():
    inputs = keras.Input((3,))
    x = layers.Dense(4, name="x")(inputs)
    model = keras.Model(inputs, layers.Dense(1)(x + layers.Dense(4, use_bias=False)(layers.Dense(2, name="y")(x))))
    assert largest_error(model, without(model, "y")) <= ROUNDING


def test_a_concatenation_does_without():
    inputs = keras.Input((3,))
    x, y = layers.Dense(4, name="x")(inputs), layers.Dense(5, name="y")(inputs)
    deep = layers.Dense(3, use_bias=False, name="deep")(y)
    model = keras.Model(inputs, layers.Dense(1, name="head")(layers.Concatenate(name="cat")([x, deep])))
    smaller = without(model, "y")
    assert not {"y", "deep", "cat"} & set(names(smaller))
    assert smaller.get_layer("head").kernel.shape == (4, 1)
    assert largest_error(model, smaller) <= ROUNDING


def test_what_is_left_is_saved_and_loaded(tmp_path):
    smaller = without(residual(), "hidden")
    smaller.save(tmp_path / "model.keras")
    assert largest_error(smaller, keras.models.load_model(tmp_path / "model.keras")) == 0.0


def test_nothing_may_be_left_only_where_it_is_allowed():
    model = residual()
    groups = channel_groups(model)
    with pytest.raises(ConfigError, match=r"Layer `hidden`: no channel would be left of 5\. Keep one at least\."):
        remove_channels(model, groups, groups.group_of("hidden")[0].channels)


def test_a_product_without_one_factor_makes_no_sense():
    with pytest.raises(ConfigError, match=r"Layer `merge` \(Multiply\): nothing would be left of one of its inputs"):
        without(residual(layers.Multiply), "hidden")


def test_an_output_of_nothing():
    with pytest.raises(
        ConfigError, match="Layer `head` would read nothing, but it stays: it is an output of the model"
    ):
        without(residual(), "trunk")


def test_nested_models_and_layers_that_are_called_twice_are_refused():
    inputs = keras.Input((3,))
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(2, use_bias=False)], name="inner")
    x = layers.Dense(2, name="x")(inputs)
    model = keras.Model(inputs, layers.Dense(1)(x + inner(layers.Dense(4, name="y")(inputs))))
    with pytest.raises(ConfigError, match="`inner`: nothing would be left of one of its inputs, and it is a nested"):
        without(model, "y")
