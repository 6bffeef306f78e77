"""Tests of the names of weights below a layer, and of their axes."""

import keras
import numpy as np
import pytest
from keras import layers

from source.layer import weight_paths
from tests.layer.kinds import IMAGE, SERIES, made


def paths(name: str, layer: str = "it") -> list[str]:
    found = weight_paths.of(made(name).get_layer(layer))
    return [path for path, variable in found.items() if keras.backend.is_float_dtype(variable.dtype)]


def built(layer: keras.layers.Layer, *shapes) -> keras.layers.Layer:
    layer.build(*shapes)
    return layer


def test_weights_are_named_by_their_paths_below_the_layer():
    assert paths("dense") == ["kernel", "bias"]
    assert paths("separable2d") == ["depthwise_kernel", "pointwise_kernel", "bias"]
    assert paths("attention")[:4] == ["query/kernel", "query/bias", "key/kernel", "key/bias"]
    assert paths("bidirectional")[0] == "forward_lstm/lstm_cell/kernel"
    assert paths("class_as_layer")[-2:] == ["last/kernel", "last/bias"]
    assert paths("embedding", "embedding") == ["embeddings"]


def test_a_layer_that_was_built_before_the_one_around_it_keeps_its_name_in_the_path():
    inner = built(layers.Dense(3, name="deep"), (None, 4))
    assert list(weight_paths.of(built(layers.TimeDistributed(inner, name="it"), (None, 5, 4)))) == [
        *("deep/kernel", "deep/bias"),
    ]
    outside = layers.TimeDistributed(layers.Dense(3, name="deep"), name="it")
    with keras.name_scope("outer"):
        built(outside, (None, 5, 4))
    assert list(weight_paths.of(outside)) == ["deep/kernel", "deep/bias"]


def test_the_name_of_a_scope_may_be_that_of_the_layer():
    dense = layers.Dense(3, name="it")
    with keras.name_scope("it"):
        dense.build((None, 4))
    assert dense.kernel.path == "it/it/kernel"
    assert list(weight_paths.of(dense)) == ["kernel", "bias"]


def test_weights_of_the_same_path_are_told_apart():
    class Twice(layers.Layer):
        def build(self, shape):
            self.parts = [layers.Dense(2, use_bias=False, name="part") for _ in range(3)]
            for part in self.parts:
                part.build(shape)

    found = weight_paths.of(built(Twice(name="it"), (None, 4)))
    assert list(found) == ["part/kernel", "part/kernel_2", "part/kernel_3"]
    assert len({id(variable) for variable in found.values()}) == 3


def test_kept_paths_are_those_of_the_original():
    dense = built(layers.Dense(3, name="it"), (None, 4))
    weight_paths.keep(dense, ["query/kernel", "query/bias"])
    assert list(weight_paths.of(dense)) == ["query/kernel", "query/bias"]
    assert weight_paths.of(dense)["query/kernel"] is dense.kernel
    assert weight_paths.of(layers.Dropout(0.5)) == {}


def test_shapes_of_inner_layers_are_left_out_of_a_configuration():
    layer = built(layers.Bidirectional(layers.LSTM(2), name="it"), (None, 5, 4))
    assert "build_config" in layer.get_config()["layer"]
    found = weight_paths.unbuilt(layer.get_config())
    assert "build_config" not in found["layer"]
    assert {**found["layer"], "build_config": layer.get_config()["layer"]["build_config"]} == layer.get_config()[
        "layer"
    ]
    assert weight_paths.unbuilt({"deep": [{"build_config": 1, "kept": (2, 3)}]}) == {"deep": [{"kept": (2, 3)}]}


@pytest.mark.parametrize(
    ("path", "shape", "dtype", "expected"),
    [
        ("kernel", (3, 4), "float32", True),
        ("query/kernel", (3, 2, 4), "bfloat16", True),
        ("embeddings", (10, 4), "float32", True),
        ("depthwise_kernel", (3, 3, 4, 1), "float32", True),
        ("lstm_cell/recurrent_kernel", (3, 12), "float32", True),
        ("bias", (4,), "float32", False),
        ("kernel", (4,), "float32", False),
        ("kernel", (3, 4), "int8", False),
        ("kernel/scale", (3, 4), "float32", False),
    ],
)
def test_kernels_and_tables_are_what_compression_is_about(path, shape, dtype, expected):
    assert weight_paths.is_kernel(path, keras.Variable(np.zeros(shape), dtype=dtype)) is expected


@pytest.mark.parametrize(
    ("layer", "shape", "path", "channels", "summed"),
    [
        (layers.Dense(5), (None, 4), "kernel", 5, 4),
        (layers.Conv2D(5, 3), (None, *IMAGE), "kernel", 5, 3),
        (layers.Conv2DTranspose(5, 3), (None, *IMAGE), "kernel", 5, 3),
        (layers.Conv1DTranspose(5, 3), (None, *SERIES), "kernel", 5, 4),
        (layers.DepthwiseConv2D(2, depth_multiplier=7), (None, *IMAGE), "kernel", 3, 3),
        (layers.SeparableConv2D(5, 2), (None, *IMAGE), "depthwise_kernel", 3, 3),
        (layers.SeparableConv2D(5, 2), (None, *IMAGE), "pointwise_kernel", 5, 3),
        (layers.EinsumDense("btd,dhk->bthk", (5, 6, 7)), (None, *SERIES), "kernel", 7, 4),
        (layers.EinsumDense("bthk,hkd->btd", (5, 3)), (None, 5, 6, 7), "kernel", 3, 7),
        (layers.Embedding(9, 5), (None, 4), "embeddings", 5, 5),
        (layers.LSTM(5), (None, *SERIES), "lstm_cell/kernel", 20, 4),
    ],
)
def test_channels_and_blocks_lie_along_the_axes_of_the_product(layer, shape, path, channels, summed):
    layer.build(shape)
    weight = weight_paths.of(layer)[path]
    assert weight.shape[weight_paths.channel_axis(layer, path)] == channels
    assert weight.shape[weight_paths.block_axis(layer, path)] == summed


def test_the_kernels_of_attention_are_summed_over_features():
    layer = layers.MultiHeadAttention(2, 3, value_dim=5)
    layer.build((None, 6, 4), (None, 6, 4))
    found = weight_paths.of(layer)
    assert [
        found[f"{each}/kernel"].shape[weight_paths.block_axis(layer, f"{each}/kernel")] for each in ("query", "value")
    ] == [4, 4]
    last = "attention_output/kernel"
    assert found[last].shape[weight_paths.block_axis(layer, last)] == 5
    assert found[last].shape[weight_paths.channel_axis(layer, last)] == 4


def test_convolutions_are_known():
    assert weight_paths.is_convolution(layers.DepthwiseConv1D(3))
    assert weight_paths.is_convolution(layers.Conv3DTranspose(3, 3))
    assert not weight_paths.is_convolution(layers.Dense(3))
