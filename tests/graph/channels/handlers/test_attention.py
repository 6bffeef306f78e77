"""Tests of attention without kernels."""

import keras
import pytest
from keras import layers

from tests.graph.channels.looks import groups_of, output_of, sites_of


def attended(kind, names, **arguments) -> keras.Model:
    inputs = keras.Input((3, 4))
    return keras.Model(
        inputs, kind(name="attention")([layers.Dense(2, name=each)(inputs) for each in names], **arguments)
    )


@pytest.mark.parametrize("kind", [layers.Attention, layers.AdditiveAttention])
def test_query_and_key_meet_and_the_value_comes_out(kind):
    model = attended(kind, ["query", "value", "key"])
    assert groups_of(model) == ["key + query: 2", "value: 2 | it is an output of the model"]


def test_without_a_key_it_is_the_value():
    model = attended(layers.Attention, ["query", "value"])
    assert groups_of(model) == ["query + value: 2 | it is an output of the model"]


def test_weights_of_the_sum_belong_to_the_channels():
    model = attended(layers.AdditiveAttention, ["query", "value", "key"])
    assert sites_of(model, "attention") == {"scale 0": "query 0, query 1"}


def test_scores_are_no_channels():
    model = attended(layers.Attention, ["query", "value"], return_attention_scores=True)
    assert output_of(model, 1).strip("-, ") == ""
