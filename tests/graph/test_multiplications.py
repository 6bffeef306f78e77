"""Tests of counting multiplications, by hand."""

import re

import keras
import pytest
from keras import layers

from source.config.errors import ConfigError
from source.graph.multiplications import multiplications

IMAGE, SERIES = (8, 10, 3), (5, 4)

COUNTS = [
    (layers.Dense(7), (6,), {"kernel": 42}),
    (layers.Dense(7), (5, 6), {"kernel": 5 * 42}),
    # 6 x 8 positions, 9 places, 3 channels, 4 filters.
    (layers.Conv2D(4, 3), IMAGE, {"kernel": 6 * 8 * 9 * 3 * 4}),
    (layers.Conv2D(4, 3, strides=2, padding="same"), IMAGE, {"kernel": 4 * 5 * 9 * 3 * 4}),
    # Each filter sees the 2 channels of its group.
    (layers.Conv2D(6, 1, groups=2), (4, 4, 4), {"kernel": 16 * 2 * 6}),
    (layers.Conv1D(4, 2), SERIES, {"kernel": 4 * 2 * 4 * 4}),
    (layers.Conv3D(2, 2), (3, 3, 3, 1), {"kernel": 8 * 8 * 2}),
    (layers.DepthwiseConv2D(3, depth_multiplier=2), IMAGE, {"kernel": 6 * 8 * 9 * 3 * 2}),
    (layers.DepthwiseConv1D(2), SERIES, {"kernel": 4 * 2 * 4}),
    (
        layers.SeparableConv2D(4, 3, strides=2),
        IMAGE,
        {"depthwise_kernel": 3 * 4 * 9 * 3, "pointwise_kernel": 3 * 4 * 3 * 4},
    ),
    (layers.Conv2DTranspose(2, 3, strides=2), (4, 5, 3), {"kernel": 20 * 9 * 3 * 2}),
    (layers.Conv1DTranspose(2, 3), SERIES, {"kernel": 5 * 3 * 4 * 2}),
    (layers.EinsumDense("abc,cde->abde", (None, 2, 3)), SERIES, {"kernel": 5 * 4 * 2 * 3}),
    (layers.EinsumDense("...x,xy->...y", 6), (2, 5, 4), {"kernel": 2 * 5 * 4 * 6}),
    (layers.SimpleRNN(3), SERIES, {"simple_rnn_cell/kernel": 5 * 12, "simple_rnn_cell/recurrent_kernel": 5 * 9}),
    (layers.LSTM(3), SERIES, {"lstm_cell/kernel": 5 * 4 * 12, "lstm_cell/recurrent_kernel": 5 * 3 * 12}),
    (
        layers.Bidirectional(layers.GRU(2)),
        SERIES,
        {
            f"{way}_gru/gru_cell/{name}": 5 * rows * 6
            for way in ("forward", "backward")
            for name, rows in (("kernel", 4), ("recurrent_kernel", 2))
        },
    ),
    (layers.TimeDistributed(layers.Dense(3)), SERIES, {"dense/kernel": 5 * 12}),
    # 5 steps, 4 x 6 positions of the output, 9 places, 4 gates of 2 filters.
    (
        layers.ConvLSTM2D(2, 3, strides=2, padding="same"),
        (5, 8, 12, 3),
        {
            "conv_lstm_cell/kernel": 5 * 4 * 6 * 9 * 3 * 8,
            "conv_lstm_cell/recurrent_kernel": 5 * 4 * 6 * 9 * 2 * 8,
        },
    ),
    (layers.Embedding(11, 4), (7,), {}),
    (layers.BatchNormalization(), IMAGE, {}),
    (layers.ReLU(), IMAGE, {}),
]


@pytest.mark.parametrize(
    ("layer", "shape", "expected"), COUNTS, ids=lambda each: each.name if isinstance(each, keras.layers.Layer) else ""
)
def test_products_are_those_counted_by_hand(layer, shape, expected):
    layer(keras.Input(shape))
    counted = multiplications(layer, (None, *shape))
    # Keras numbers cells and layers without a name of ours.
    assert {re.sub(r"_\d+/", "/", path): count for path, count in counted.items()} == expected


def test_products_of_attention():
    # 2 heads, 3 numbers for queries and keys, 5 for values; 6 queries of 4 numbers, 7 keys, 9 numbers out.
    layer = layers.MultiHeadAttention(2, 3, value_dim=5, output_shape=9)
    layer(keras.Input((6, 4)), keras.Input((7, 8)))
    assert multiplications(layer, (None, 6, 4), (None, 7, 8)) == {
        "query/kernel": 6 * 4 * 6,
        "key/kernel": 7 * 8 * 6,
        "value/kernel": 7 * 8 * 10,
        "attention_output/kernel": 6 * 10 * 9,
        "activations": 6 * 7 * (6 + 10),
    }


def test_products_of_attention_with_shared_keys_and_along_one_axis():
    grouped = layers.GroupQueryAttention(3, 4, 2)
    grouped(keras.Input((5, 8)), keras.Input((6, 8)))
    counts = multiplications(grouped, (None, 5, 8), (None, 6, 8))
    assert counts["query/kernel"] == 5 * 8 * 12 and counts["key/kernel"] == 6 * 8 * 6
    assert counts["activations"] == 5 * 6 * (12 + 12)
    along = layers.MultiHeadAttention(1, 2, attention_axes=(2,))
    along(keras.Input((3, 4, 5)), keras.Input((3, 4, 5)))
    # Each of the 12 positions looks at 4.
    assert multiplications(along, (None, 3, 4, 5), (None, 3, 4, 5))["activations"] == 12 * 4 * (2 + 2)


@keras.saving.register_keras_serializable(package="tests.graph")
class Own(layers.Layer):
    """A layer of somebody else."""

    def build(self, shape):
        self.kernel = self.add_weight(name="kernel", shape=(shape[-1], 2))

    def call(self, x):
        return x @ self.kernel


@pytest.mark.parametrize("layer", [Own(name="own"), layers.Bidirectional(layers.ConvLSTM1D(1, 1, name="own"))])
def test_an_unknown_kind_says_so(layer):
    shape = (4, 4) if isinstance(layer, Own) else (4, 4, 4)
    layer(keras.Input(shape))
    with pytest.raises(
        ConfigError,
        match=r"Multiplications of layer `\w*own` cannot be counted: layers of class \w+ are not known. "
        "Let a rule skip the layer, or give a budget in bytes.",
    ):
        multiplications(layer, (None, *shape))


def test_lengths_that_are_not_known_are_refused():
    layer = layers.Conv2D(1, 1, name="conv")
    layer(keras.Input((None, None, 3)))
    with pytest.raises(
        ConfigError,
        match=r"`conv` cannot be counted: its input \(None, None, None, 3\) has lengths that are not known.",
    ):
        multiplications(layer, (None, None, None, 3))
