"""Tests of attention with heads."""

import keras
from keras import layers

from tests.graph.channels.looks import groups_of, output_of, sites_of


def attended(layer, **arguments) -> keras.Model:
    inputs = keras.Input((3, 4))
    query, value, key = (layers.Dense(2, name=name)(inputs) for name in ("query", "value", "key"))
    given = {"key": key} if arguments.pop("with_key", True) else {}
    x = layer(query, value=value, **given, **arguments)
    return keras.Model(inputs, x)


def test_projections_read_and_heads_stay():
    model = attended(layers.MultiHeadAttention(2, 3, output_shape=1, name="heads"))
    assert sites_of(model, "heads") == {
        "query/kernel 0": "query 0, query 1",
        "value/kernel 0": "value 0, value 1",
        "key/kernel 0": "key 0, key 1",
        "attention_output/kernel 2": "heads 0",
        "attention_output/bias 0": "heads 0",
    }


def test_without_a_key_it_is_the_value():
    model = attended(layers.MultiHeadAttention(1, 2, use_bias=False, name="heads"), with_key=False)
    assert sites_of(model, "heads")["key/kernel 0"] == "value 0, value 1"


def test_as_many_come_out_as_the_query_has():
    model = attended(layers.MultiHeadAttention(1, 2, name="heads"))
    assert groups_of(model)[0] == "heads + query: 2 | it is an output of the model"


def test_groups_of_queries_want_as_many_values():
    model = attended(layers.GroupQueryAttention(2, 2, 1, name="heads"))
    assert groups_of(model)[0] == "heads + query + value: 2 | it is an output of the model"


def test_scores_are_no_channels():
    model = attended(layers.MultiHeadAttention(1, 2, name="heads"), return_attention_scores=True)
    assert output_of(model, 1).strip("-, ") == ""
