"""Tests of constants that removed channels carried."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from source.graph.channel_groups import channel_groups
from source.surgery.channels import remove_channels
from source.surgery.constants import fold_constants
from tests.graph.channels.cutting import ROUNDING, drawn, largest_error


def images(*parts) -> keras.Model:
    inputs = keras.Input((6, 6, 3))
    x = layers.Conv2D(4, 1, name="made")(inputs)
    x = layers.BatchNormalization(name="normal")(x)
    for part in parts:
        x = part(x)
    return keras.Model(inputs, x)


def folded_and_cut(model: keras.Model, count: int = 2) -> tuple[float, float, keras.Model]:
    """Returns the errors without and with folding when channels of scale 0 go, and the smaller model."""
    drawn(model)
    model.get_layer("normal").beta.assign([0.5, 0.75, 1.0, 1.25])  # that ReLU lets through
    gamma = model.get_layer("normal").gamma
    gamma.assign(np.concatenate([np.zeros(count), ops.convert_to_numpy(gamma)[count:]]))
    groups = channel_groups(model)
    removed = groups.channels_of(groups.flow.producers["made"][:count])
    plain = remove_channels(model, groups, removed)
    folded = fold_constants(model, groups, removed)
    smaller = remove_channels(folded, channel_groups(folded), removed)
    return largest_error(model, plain), largest_error(model, smaller), smaller


def residual(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.Add()([x, layers.BatchNormalization(name="second")(layers.Conv2D(4, 1, name="other")(x))])


def joined(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.Concatenate()([layers.Conv2D(3, 1, name="other")(x), x])


@pytest.mark.parametrize("parts", [
    (layers.ReLU(), layers.Conv2D(3, 1, name="read")),
    (layers.Activation("sigmoid"), layers.Conv2D(3, 3, name="read")),
    (layers.Activation("silu"), layers.MaxPooling2D(), layers.Conv2D(3, 1, use_bias=False, name="read")),
    (ops.relu, layers.GlobalAveragePooling2D(), layers.Dense(3, name="read")),
    (layers.ReLU(), layers.Flatten(), layers.Dense(3, name="read")),
    (lambda x: x * 2.0 + 1.0, layers.Conv2D(3, 2, strides=2, name="read")),
    (layers.DepthwiseConv2D(3, activation="tanh"), layers.Conv2D(3, 1, name="read")),
    (joined, layers.Conv2D(3, 1, name="read")),
    (layers.ReLU(), layers.BatchNormalization(name="again"), layers.Conv2D(3, 1, name="read")),
])  # fmt: skip
def test_what_channels_carried_is_in_the_biases(parts):
    without, with_folding, _ = folded_and_cut(images(*parts))
    assert without > 1e-3
    assert with_folding <= ROUNDING


def test_a_layer_without_bias_gets_one():
    _, _, smaller = folded_and_cut(images(layers.Conv2D(3, 1, use_bias=False, name="read")))
    assert smaller.get_layer("read").use_bias


def test_a_layer_without_bias_before_a_normalization_changes_its_mean():
    after = layers.BatchNormalization(name="after")
    error = folded_and_cut(images(layers.ReLU(), layers.Conv2D(3, 1, use_bias=False, name="read"), after))
    assert error[0] > 1e-3 and error[1] <= ROUNDING
    assert not error[2].get_layer("read").use_bias


def test_a_padding_of_zeros_leaves_an_error_at_the_border_only():
    model = images(layers.ReLU(), layers.Conv2D(3, 3, padding="same", name="read"))
    _, _, smaller = folded_and_cut(model)
    batch = np.random.default_rng(0).normal(size=(1, 6, 6, 3)).astype("float32")
    difference = np.abs(ops.convert_to_numpy(model(batch)) - ops.convert_to_numpy(smaller(batch)))
    assert difference[:, 1:-1, 1:-1].max() <= 1e-5 < difference.max()


def test_a_branch_that_is_added_is_a_constant_too():
    model = drawn(images(residual, layers.Conv2D(3, 1, name="read")))
    for name in ("normal", "second"):
        gamma = model.get_layer(name).gamma
        gamma.assign(np.concatenate([np.zeros(2), ops.convert_to_numpy(gamma)[2:]]))
    groups = channel_groups(model)
    removed = groups.channels_of(groups.flow.producers["made"][:2])
    folded = fold_constants(model, groups, removed)
    smaller = remove_channels(folded, channel_groups(folded), removed)
    assert largest_error(model, smaller) <= ROUNDING


def test_channels_of_zero_kernels_carry_their_bias():
    inputs = keras.Input((3,))
    model = drawn(keras.Model(inputs, layers.Dense(2)(layers.Dense(4, activation="sigmoid", name="made")(inputs))))
    kernel = model.get_layer("made").kernel
    kernel.assign(ops.convert_to_numpy(kernel) * [0, 0, 1, 1])
    groups = channel_groups(model)
    removed = groups.channels_of(groups.flow.producers["made"][:2])
    folded = fold_constants(model, groups, removed)
    assert largest_error(model, remove_channels(folded, channel_groups(folded), removed)) <= ROUNDING


def test_what_is_not_constant_and_what_is_called_twice_is_left():
    inputs = keras.Input((3,))
    model = drawn(keras.Model(inputs, layers.Dense(2)(layers.Dense(4, name="made")(inputs))))
    groups = channel_groups(model)
    folded = fold_constants(model, groups, groups.prunable[0].channels[:2])
    assert largest_error(model, folded) == 0.0
    shared = layers.Dense(2, name="shared")
    parts = [layers.BatchNormalization(name=name)(layers.Dense(4)(inputs)) for name in ("one", "two")]
    model = drawn(keras.Model(inputs, [shared(part) for part in parts]))
    groups = channel_groups(model)
    assert largest_error(model, fold_constants(model, groups, groups.prunable[0].channels[:2])) == 0.0
