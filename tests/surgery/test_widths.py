"""Tests of widths that are written down, multiplied and rounded."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers, ops

from source.config.errors import ConfigError
from source.graph.channel_groups import channel_groups
from source.surgery.channels import remove_channels
from source.surgery.widths import expand, from_structure, round_up_kept, structure
from tests.graph.channels.cutting import drawn, largest_error
from tests.graph.channels.handlers.cases import CASES
from tests.graph.test_channel_groups import nested, residual

WIDTHS = {"branch": 2, "head": 1, "hidden": 5, "trunk": 2}


def wide() -> keras.Model:
    """Returns 20 channels, split in 12 and 8."""
    inputs = keras.Input((3,))
    first, second = ops.split(layers.Dense(20, name="made")(inputs), [12], axis=-1)
    outputs = [layers.Dense(1, name="one")(first), layers.Dense(1, name="two")(second)]
    return keras.Model(inputs, outputs)


def test_a_structure_is_the_width_of_every_layer():
    assert structure(residual()) == WIDTHS


def test_a_structure_brings_back_the_same_model():
    model = drawn(residual())
    assert largest_error(model, from_structure(model, WIDTHS)) == 0.0


@pytest.mark.parametrize("weights", [True, False])
@pytest.mark.parametrize("name", ["hidden", "hidden/Conv2D", "some/scope/hidden/Conv2D"])
def test_a_structure_is_taken_over(name, weights):
    smaller = from_structure(drawn(residual()), {name: 3, "trunk": 1, "branch": 1}, weights)
    assert structure(smaller) == {"branch": 1, "head": 1, "hidden": 3, "trunk": 1}
    assert smaller.get_layer("normal").moving_mean.shape == (3,)


def test_the_largest_weights_stay():
    model = drawn(residual())
    kernel = model.get_layer("hidden").kernel
    kernel.assign(ops.convert_to_numpy(kernel) * [0.1, 10.0, 0.1, 10.0, 0.1])
    smaller = from_structure(model, {"hidden": 2})
    kept = ops.convert_to_numpy(kernel)[..., [1, 3]]
    assert np.array_equal(smaller.get_layer("hidden").kernel, kept)


def test_layers_of_nested_models_have_paths():
    inner = keras.Sequential([keras.Input((2,)), layers.Dense(3, name="dense")], name="inner")
    smaller = from_structure(nested(inner), {"inner/dense": 1})
    assert structure(smaller) == {"before_0": 2, "head": 1, "inner/dense": 1}


@pytest.mark.parametrize(("widths", "message"), [
    ({"hiden": 3}, r"`hiden`: expected the name of one layer that makes channels\..*`hidden`"),
    ({"hidden": 9}, r"Layer `hidden`: no choice of channels leaves 9; nearest is 5\."),
    ({"head": 0}, r"Layer `head`: no choice of channels leaves 0; nearest is 1\."),
    ({"trunk": 1, "branch": 2}, r"need widths that fit\. Received: `trunk`: 1, `branch`: 2; with `branch` of 1"),
])  # fmt: skip
def test_structures_that_the_model_cannot_have(widths, message):
    with pytest.raises(ConfigError, match=message):
        from_structure(residual(), widths)


@pytest.mark.parametrize("weights", [True, False])
def test_a_layer_of_width_zero_goes_with_its_branch(weights):
    smaller = from_structure(residual(), {"hidden": 0, "branch": 2}, weights)
    assert structure(smaller) == {"head": 1, "trunk": 2}


@pytest.mark.parametrize(("multiplier", "multiple", "widths"), [
    (2.0, 1, {"branch": 4, "head": 1, "hidden": 10, "trunk": 4}),
    (0.5, 1, {"branch": 1, "head": 1, "hidden": 2, "trunk": 1}),
    (0.1, 1, {"branch": 1, "head": 1, "hidden": 1, "trunk": 1}),
    (1.5, 4, {"branch": 4, "head": 1, "hidden": 8, "trunk": 4}),
])  # fmt: skip
def test_widths_are_multiplied(multiplier, multiple, widths):
    assert structure(expand(residual(), multiplier, multiple)) == widths


@pytest.mark.parametrize("kind", [
    "concatenation", "convolution", "depthwise_convolution", "elementwise", "einsum_dense", "multi_head_attention",
    "recurrent", "separable_convolution", "bidirectional", "group_normalization",
])  # fmt: skip
def test_every_kind_of_layer_gets_wider(kind):
    for name, make in CASES[kind].items():
        wider = expand(make(), 2.0)
        assert wider.count_params() > make().count_params(), name


def test_a_wider_model_has_initial_weights_and_trains():
    model = drawn(residual())
    wider = expand(model, 1.5)
    assert not ops.convert_to_numpy(wider.get_layer("hidden").bias).any()
    wider.compile("sgd", "mse")
    wider.fit(np.ones((4, 4, 4, 3)), np.ones((4, 1)), verbose=0)


@pytest.mark.parametrize("settings", [{"multiplier": 0.0}, {"multiplier": 1.0, "multiple": 0}])
def test_numbers_that_are_not_positive(settings):
    with pytest.raises(ConfigError, match=r"Both must be positive\. Received: multiplier="):
        expand(residual(), **settings)


@pytest.mark.parametrize(("count", "multiple", "left"), [(3, 4, 20), (5, 8, 16), (4, 8, 16), (13, 8, 8), (1, 16, 20)])
def test_channels_are_given_back_until_widths_are_multiples(count, multiple, left):
    inputs = keras.Input((3,))
    model = keras.Model(inputs, layers.Dense(1, name="read")(layers.Dense(20, name="made")(inputs)))
    groups = channel_groups(model)
    removed = groups.prunable[0].channels[:count]
    kept = round_up_kept(groups, removed, multiple)
    assert 20 - len(kept) == left
    assert set(kept) <= set(removed)


def test_the_best_are_given_back_first():
    inputs = keras.Input((3,))
    model = keras.Model(inputs, layers.Dense(1, name="read")(layers.Dense(8, name="made")(inputs)))
    groups = channel_groups(model)
    channels = groups.prunable[0].channels
    scores = np.zeros(groups.count)
    scores[channels] = [5, 1, 4, 2, 3, 9, 9, 9]
    assert round_up_kept(groups, channels[:5], 4, scores).tolist() == channels[[1, 2, 3, 4]].tolist()


def test_groups_of_one_layer_are_rounded_together():
    model = wide()
    groups = channel_groups(model)
    removed = groups.flow.producers["made"][:6]
    smaller = remove_channels(model, groups, round_up_kept(groups, removed, 8))
    assert smaller.get_layer("made").units == 16


def test_a_multiple_is_positive():
    with pytest.raises(ConfigError, match=r"`multiple` must be positive\. Received: multiple=0\."):
        round_up_kept(channel_groups(residual()), np.zeros(0, int), 0)


@pytest.mark.slow
@pytest.mark.parametrize("weights", [True, False])
def test_a_resnet50_is_made_of_a_structure_that_leaves_branches_out(weights, tmp_path):
    body = keras.applications.ResNet50(weights=None, include_top=False, input_shape=(32, 32, 3), pooling="avg")
    x = layers.Dense(1024, activation="relu", name="hidden")(body.output)
    model = keras.Model(body.input, layers.Dense(10, name="head")(x))
    widths = json.loads((Path(__file__).parent / "resnet50_structure.json").read_text())
    assert (len(widths), sum(widths.values()), list(widths.values()).count(0)) == (53, 1633, 20)
    smaller = from_structure(model, widths, weights)
    assert (model.count_params(), len(model.layers)) == (25_696_138, 178)
    assert (smaller.count_params(), len(smaller.layers)) == (172_541, 88)
    assert sum(isinstance(layer, layers.Conv2D) for layer in smaller.layers) == 23
    smaller.save(tmp_path / "model.keras")
    assert largest_error(smaller, keras.models.load_model(tmp_path / "model.keras")) == 0.0


def test_a_trunk_that_gets_wider_is_rebuilt_stage_by_stage():
    inputs = keras.Input((4, 4, 3))
    x = layers.Conv2D(4, 1, name="narrow")(inputs)
    pad = layers.ZeroPadding2D(((0, 0), (2, 2)), data_format="channels_first")
    y = layers.Add()([layers.Conv2D(8, 1, name="wide")(x), pad(x)])
    model = keras.Model(inputs, layers.Conv2D(1, 1, name="read")(y))
    rebuilt = from_structure(model, {"wide": 5, "narrow": 3})
    assert structure(rebuilt) == {"narrow": 3, "read": 1, "wide": 5}
    with pytest.raises(ConfigError, match=r"Received: `wide`: 8, `narrow`: 3; with `wide` of 7, the others would\."):
        from_structure(model, {"wide": 8, "narrow": 3})
