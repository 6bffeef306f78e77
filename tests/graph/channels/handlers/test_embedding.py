"""Tests of the channels of embeddings."""

import keras
from keras import layers

from tests.graph.channels.looks import groups_of, sites_of


def test_columns_of_the_table_are_channels_and_words_stay():
    inputs = keras.Input((5,), dtype="int32")
    model = keras.Model(inputs, layers.Dense(1, name="read")(layers.Embedding(4, 2, name="table")(inputs)))
    assert sites_of(model, "table") == {"embeddings 1": "table 0, table 1"}
    assert groups_of(model)[0] == "table: 2"


def test_the_number_of_a_word_may_be_one_alone():
    inputs = keras.Input((), dtype="int32")
    model = keras.Model(inputs, layers.Dense(1, name="read")(layers.Embedding(4, 2, name="table")(inputs)))
    assert groups_of(model)[0] == "table: 2"


def test_a_table_is_read_backwards():
    inputs = keras.Input((5,), dtype="int32")
    table = layers.ReversibleEmbedding(4, 2, tie_weights=False, name="table")
    x = layers.Dense(2, name="dense")(table(inputs))
    model = keras.Model(inputs, table(x, reverse=True))
    assert sites_of(model, "table") == {"embeddings 1": "table 0, table 1", "reverse_embeddings 0": "dense 0, dense 1"}
