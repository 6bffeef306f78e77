"""Tests of which channels go together, and of what is said about them."""

import keras
import pytest
from keras import layers, ops

from source.config.errors import ConfigError, UnknownNameError
from source.graph.channel_groups import channel_groups
from source.layer import weight_paths
from tests.graph.channels.looks import groups_of, sites_of


def residual() -> keras.Model:
    inputs = keras.Input((4, 4, 3))
    x = layers.Conv2D(2, 1, name="trunk")(inputs)
    y = layers.Conv2D(5, 1, name="hidden")(x)
    y = layers.BatchNormalization(name="normal")(y)
    x = layers.Add()([x, layers.Conv2D(2, 1, name="branch")(y)])
    return keras.Model(inputs, layers.Dense(1, name="head")(layers.GlobalAveragePooling2D()(x)))


def nested(inner: keras.Model, calls: int = 1) -> keras.Model:
    inputs = [keras.Input((4,), name=f"in_{place}") for place in range(calls)]
    made = [inner(layers.Dense(2, name=f"before_{place}")(each)) for place, each in enumerate(inputs)]
    x = ops.concatenate(made, -1) if calls > 1 else made[0]
    return keras.Model(inputs if calls > 1 else inputs[0], layers.Dense(1, name="head")(x))


def test_channels_that_are_added_are_one_group():
    assert groups_of(residual()) == ["branch + trunk: 2", "hidden: 5", "head: 1 | it is an output of the model"]


def test_groups_are_numbered_in_the_order_of_the_first_layer():
    groups = channel_groups(residual())
    trunk, hidden, head = groups.groups
    assert (trunk.name, trunk.producers) == ("trunk", ("trunk", "branch"))
    assert trunk.channels.tolist() == groups.channels_of(groups.flow.producers["trunk"]).tolist()
    assert [len(group) for group in groups.prunable] == [2, 5]
    assert head.fixed == ("it is an output of the model",)
    assert max(hidden.channels) < groups.count


def test_sites_name_weights_below_their_layers():
    groups = channel_groups(residual())
    assert {(site.path, site.weight, site.axis) for site in groups.sites if site.path == "normal"} == {
        ("normal", weight, 0) for weight in ("gamma", "beta", "moving_mean", "moving_variance")
    }
    for site in groups.sites:
        assert weight_paths.of(site.layer)[site.weight].shape[site.axis] == len(site.labels)


def test_a_layer_is_found_by_its_path_or_the_end_of_it():
    inner = keras.Sequential([keras.Input((2,)), layers.Dense(3, name="dense")], name="inner")
    groups = channel_groups(nested(inner))
    assert groups.group_of("dense") == groups.group_of("inner/dense")


def test_a_layer_that_makes_no_channels_is_unknown():
    with pytest.raises(
        UnknownNameError, match=r"`hiden`: expected one layer that makes channels; there are 0\..*`hidden`"
    ):
        channel_groups(residual()).group_of("hiden")


def test_a_name_that_several_layers_have_is_not_enough():
    inputs = keras.Input((2,))
    first, second = (
        keras.Sequential([keras.Input((2,)), layers.Dense(2, name="dense")], name=name) for name in ("one", "two")
    )
    groups = channel_groups(keras.Model(inputs, second(first(inputs))))
    with pytest.raises(UnknownNameError, match="there are 2"):
        groups.group_of("dense")


@pytest.mark.parametrize(("layer", "text"), [
    ("trunk", "2 channels of `trunk` together with those of `branch` may go."),
    ("hidden", "5 channels of `hidden` may go."),
    ("head", "1 channels of `head` may not go: it is an output of the model."),
])  # fmt: skip
def test_a_layer_is_explained(layer, text):
    assert channel_groups(residual()).explain(layer) == text


def test_doubts_are_explained():
    model = keras.Sequential(
        [keras.Input((3,)), layers.Dense(4, name="made"), layers.LayerNormalization(name="normal"), layers.Dense(1)]
    )
    assert channel_groups(model).explain("made") == (
        "4 channels of `made` may go (`normal` normalizes over all of them: without some, the others change)."
    )


def test_channels_of_one_layer_may_belong_to_several_groups():
    inputs = keras.Input((3,))
    x = layers.Dense(4, name="made")(inputs)
    model = keras.Model(inputs, [layers.Dense(1, name="read")(x), x[:, 3:], layers.Dense(2)(x[:, :2])])
    assert groups_of(model)[0].startswith("made: 4 | ")
    first, second = ops.split(x, [3], axis=-1)
    model = keras.Model(inputs, [layers.Dense(1, name="read")(first), second])
    assert groups_of(model)[:2] == ["made: 3", "made: 1 | it is an output of the model"]


def test_a_shared_layer_reads_and_makes_the_same_channels_at_every_call():
    inputs = [keras.Input((3,)), keras.Input((3,))]
    shared = layers.Dense(2, name="shared")
    made = [shared(layers.Dense(4, name=f"before_{place}")(each)) for place, each in enumerate(inputs)]
    model = keras.Model(inputs, layers.Dense(1, name="read")(ops.concatenate(made, -1)))
    assert groups_of(model)[:2] == ["before_0 + before_1: 4", "shared: 2"]
    assert sites_of(model, "read")["kernel 0"] == "shared 0, shared 1, shared 0, shared 1"


def test_nested_models_are_looked_into():
    inner = keras.Sequential([keras.Input((2,)), layers.Dense(3, name="dense"), layers.ReLU()], name="inner")
    assert groups_of(nested(inner))[:2] == ["before_0: 2", "inner/dense: 3"]


def test_a_nested_model_called_twice_has_the_same_channels():
    inner = keras.Sequential([keras.Input((2,)), layers.ReLU()], name="inner")
    assert groups_of(nested(inner, calls=2))[0] == "before_0 + before_1: 2"


def test_several_inputs_and_outputs_stay():
    inputs = [keras.Input((3,)), keras.Input((2,))]
    x = layers.Dense(4, name="x")(layers.Concatenate()(inputs))
    model = keras.Model(inputs, [layers.Dense(1, name="a")(x), layers.Dense(1, name="b")(x)])
    assert set(groups_of(model)) == {"x: 4", *(f"{name}: 1 | it is an output of the model" for name in "ab")}


def test_inputs_that_are_added_keep_what_they_meet():
    inputs = keras.Input((3,))
    model = keras.Model(inputs, layers.Dense(1, name="read")(layers.Dense(3, name="made")(inputs) + inputs))
    assert groups_of(model)[0] == "made: 3 | it is an input of the model"


def test_an_input_of_one_number_an_example():
    inputs = keras.Input(())
    model = keras.Model(inputs, layers.Dense(1, name="made")(layers.Reshape((1,))(inputs)))
    assert groups_of(model) == ["made: 1 | it is an output of the model"]


def test_height_and_width_may_be_free():
    inputs = keras.Input((None, None, 3))
    x = layers.MaxPooling2D()(layers.Conv2D(2, 3, name="made")(inputs))
    model = keras.Model(inputs, layers.Dense(1, name="read")(layers.GlobalAveragePooling2D()(x)))
    assert groups_of(model)[0] == "made: 2"


def test_models_written_as_classes_are_refused():
    with pytest.raises(ConfigError, match="cannot be looked at"):
        channel_groups(keras.Model())
