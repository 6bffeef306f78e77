"""Tests of models without some of their channels."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from source.config.errors import ConfigError
from source.graph.channel_groups import channel_groups
from source.layer.compressed import Compressed
from source.surgery.channels import remove_channels
from source.surgery.rewrite import clone, rewrite
from tests.graph.channels.cutting import ROUNDING, cut, drawn, largest_error, zero
from tests.graph.test_channel_groups import nested, residual


def test_what_remains_of_each_weight_is_the_same_bits():
    model = drawn(residual())
    groups = channel_groups(model)
    [hidden] = groups.group_of("hidden")
    smaller = remove_channels(model, groups, hidden.channels[[0, 3]])
    kept = [1, 2, 4]
    for name, weight, slices in [
        ("hidden", "kernel", np.s_[..., kept]),
        ("hidden", "bias", np.s_[kept]),
        ("normal", "moving_variance", np.s_[kept]),
        ("branch", "kernel", np.s_[:, :, kept]),
        ("trunk", "kernel", np.s_[:]),
    ]:
        before, after = (ops.convert_to_numpy(getattr(each.get_layer(name), weight)) for each in (model, smaller))
        assert np.array_equal(after, before[slices])
    assert smaller.get_layer("hidden").filters == 3


def test_the_model_itself_stays():
    model = drawn(residual())
    before = [ops.convert_to_numpy(each) for each in model.weights]
    groups = channel_groups(model)
    remove_channels(model, groups, groups.prunable[0].channels[:1])
    assert all(np.array_equal(one, other) for one, other in zip(before, model.weights, strict=True))


def test_nothing_removed_is_a_copy():
    model = drawn(residual())
    copied = remove_channels(model, channel_groups(model), np.zeros(0, int))
    assert largest_error(model, copied) == 0.0


def test_settings_of_layers_stay():
    inputs = keras.Input((3,))
    dense = layers.Dense(4, "relu", kernel_regularizer="l2", dtype="float16", trainable=False, name="made")
    model = keras.Model(inputs, layers.Dense(1, name="read")(dense(inputs)))
    smaller = cut(model).get_layer("made")
    assert (smaller.activation.__name__, smaller.kernel_regularizer.l2, smaller.compute_dtype) == (
        "relu",
        0.01,
        "float16",
    )
    assert not smaller.trainable


def test_what_is_left_trains():
    smaller = cut(residual())
    smaller.compile("sgd", "mse")
    history = smaller.fit(np.ones((4, 4, 4, 3)), np.ones((4, 1)), epochs=3, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]


def test_channels_that_may_not_go():
    model = residual()
    groups = channel_groups(model)
    [head] = groups.group_of("head")
    with pytest.raises(ConfigError, match="Channels of `head` may not go: it is an output of the model"):
        remove_channels(model, groups, head.channels)


def test_numbers_that_no_channel_has():
    model = residual()
    with pytest.raises(
        ConfigError, match=r"removed: expected numbers of channels of `groups.prunable`\. Received: \[999\]"
    ):
        remove_channels(model, channel_groups(model), np.array([999]))


def normalized(layer: layers.Layer) -> keras.Model:
    return keras.Sequential([keras.Input((3,)), layers.Dense(4, name="made"), layer, layers.Dense(1, name="read")])


@pytest.mark.parametrize("kind", [layers.LayerNormalization, layers.RMSNormalization])
def test_channels_that_are_normalized_over_go_only_if_that_is_accepted(kind):
    model = normalized(kind(name="normal"))
    groups = channel_groups(model)
    removed = groups.prunable[0].channels[:1]
    message = (
        r"Channels of `made` cannot go without changing others: `normal` normalizes over all of them: without some, "
        r"the others change\. Leave them, or accept that by `allow_doubts=True`"
    )
    with pytest.raises(ConfigError, match=message):
        remove_channels(model, groups, removed)
    smaller = remove_channels(model, groups, removed, allow_doubts=True)
    assert smaller.get_layer("made").units == smaller.get_layer("read").kernel.shape[0] == 3


def test_statistics_are_those_of_the_channels_that_stay():
    model = normalized(layers.LayerNormalization(epsilon=0.0, name="normal"))
    groups = channel_groups(model)
    smaller = remove_channels(model, groups, groups.prunable[0].channels[:2], allow_doubts=True)
    inner = keras.Model(smaller.inputs[0], smaller.get_layer("normal").output)
    # Of two numbers that are normalized without epsilon, one is 1 and one is -1, whatever was removed beside them.
    assert np.allclose(np.sort(np.asarray(inner(np.ones((1, 3))))), [[-1.0, 1.0]], atol=1e-5)  # a few roundings


def test_one_channel_of_a_layer_is_left():
    model = residual()
    groups = channel_groups(model)
    [hidden] = groups.group_of("hidden")
    with pytest.raises(ConfigError, match=r"Layer `hidden`: no channel would be left of 5\. Keep one at least\."):
        remove_channels(model, groups, hidden.channels)
    assert remove_channels(model, groups, hidden.channels[1:]).get_layer("hidden").filters == 1


def test_a_prepared_model_is_refused_by_name():
    model = residual()
    prepared = rewrite(model, lambda layer: Compressed(clone(layer)) if layer.name == "hidden" else None)
    groups = channel_groups(prepared)
    [hidden] = groups.group_of("hidden")
    with pytest.raises(ConfigError, match="Layer `hidden` is prepared by a compressor, so its channels cannot be"):
        remove_channels(prepared, groups, hidden.channels[:1])


def inner(*parts) -> keras.Model:
    return keras.Sequential([keras.Input((2,)), *parts], name="inner")


@pytest.mark.parametrize("model", [
    lambda: nested(inner(layers.Dense(4, name="dense"), layers.ReLU())),
    lambda: nested(inner(layers.Dense(4, name="dense"), layers.ReLU()), calls=2),
    lambda: nested(inner(layers.ReLU()), calls=2),
    lambda: nested(inner(inner(layers.Dense(4, name="dense")))),
])  # fmt: skip
def test_nested_models(model):
    model = model()
    smaller = cut(model)
    assert largest_error(model, smaller) <= ROUNDING
    assert isinstance(smaller.get_layer("inner"), keras.Model)
    assert smaller.count_params() < model.count_params()


def test_shared_layers_stay_shared():
    inputs = [keras.Input((3,)), keras.Input((3,))]
    before, shared = layers.Dense(4, name="before"), layers.Dense(4, name="shared")
    reshape = layers.Reshape((2, 2))
    made = [reshape(shared(before(each))) for each in inputs]
    model = keras.Model(inputs, layers.Dense(1, name="read")(ops.concatenate(made, -1)))
    smaller = cut(model)
    assert largest_error(model, smaller) <= ROUNDING
    assert len(smaller.layers) == len(model.layers)


def test_several_inputs_and_outputs():
    inputs = [keras.Input((3,)), keras.Input((2,))]
    x = layers.Dense(4, name="x")(layers.Concatenate()(inputs))
    model = keras.Model(inputs, [layers.Dense(1, name="a")(x), layers.Dense(2, name="b")(x)])
    assert largest_error(model, cut(model)) <= ROUNDING


def test_height_and_width_that_are_free():
    inputs = keras.Input((None, None, 3))
    x = layers.MaxPooling2D()(layers.Conv2D(4, 3, name="made")(inputs))
    model = keras.Model(inputs, layers.Dense(1, name="read")(layers.GlobalAveragePooling2D()(x)))
    assert largest_error(model, cut(model), length=12) <= ROUNDING


def test_parts_of_the_outputs_of_a_layer():
    inputs = keras.Input((3,))
    first, second = ops.split(layers.Dense(4, name="made")(inputs), [3], axis=-1)
    model = drawn(keras.Model(inputs, [layers.Dense(1, name="read")(first), second]))
    groups = channel_groups(model)
    removed = groups.prunable[0].channels[[0, 2]]
    zero(groups, removed)
    smaller = remove_channels(model, groups, removed)
    assert smaller.get_layer("made").units == 2
    assert largest_error(model, smaller) <= ROUNDING
