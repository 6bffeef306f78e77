"""Tests of cutting out what masks have taken out."""

import keras
import numpy as np
import pytest

from source.config.errors import ConfigError
from source.layer.channel_mask import ChannelMask
from source.surgery.bake import bake
from source.surgery.masked_channels import without_masked_channels
from source.surgery.rewrite import rewrite
from source.surgery.wrap import wrapped


def model():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((5,))
    x = keras.layers.Dense(4, activation="relu", bias_initializer="ones", name="first")(inputs)
    return keras.Model(inputs, keras.layers.Dense(2, name="last")(x))


def masked(kept):
    chains = {
        "first": {"kernel": [ChannelMask([1])], "bias": [ChannelMask([0])]},
        "last": {"kernel": [ChannelMask([0])]},
    }
    prepared = rewrite(model(), lambda layer: wrapped(layer, chains[layer.name]))
    for layer in prepared.layers[1:]:
        for chain in layer.weight_chains.values():
            for line in chain[0].kept.values():
                line.assign(kept)
    return prepared


def test_masked_channels_are_cut_out_with_all_that_belongs_to_them():
    prepared = masked([True, False, True, False])
    finished = bake(prepared)
    assert [weight.shape for weight in finished.weights] == [(5, 2), (2,), (2, 2), (2,)]
    x = np.random.default_rng(0).normal(size=(3, 5)).astype("float32")
    # Two products less are added up: float32 rounds sums near 1 by 6e-8.
    np.testing.assert_allclose(finished(x), prepared(x), atol=1e-6)


def test_a_model_whose_layers_have_other_names_is_refused():
    inputs = keras.Input((5,))
    other = keras.Model(inputs, keras.layers.Dense(2, name="only")(inputs), name="other")
    with pytest.raises(ConfigError, match=r"^Model `other`: none of the weights that channels are masked in is left"):
        without_masked_channels(other, masked([True, False, True, False]))


def test_a_model_that_keeps_everything_is_returned_as_it_is():
    plain = model()
    assert without_masked_channels(plain, masked([True] * 4)) is plain
    assert without_masked_channels(plain, plain) is plain
