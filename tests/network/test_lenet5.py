"""Tests of LeNet-5."""

import gzip

import keras
import numpy as np
import pytest
import tensorflow as tf

from source.config.errors import ConfigError
from source.network import lenet5
from tests.network.counting import images, multiplications, total, trainable


def build(**settings):
    return lenet5.build(lenet5.Config(**settings), images(28, 28, 1))


def test_the_counts_are_the_published_ones():
    model = build()
    assert trainable(model) == total(model) == 431_080
    assert multiplications(model) == 2_293_000


def test_the_features_are_800_wide_before_the_dense_layers():
    assert build().get_layer("features").output.shape == (None, 800)


def test_weights_begin_truncated_normal_and_biases_at_zero():
    keras.utils.set_random_seed(0)
    for layer in build().layers:
        if not layer.weights:
            continue
        kernel, bias = layer.get_weights()
        assert np.abs(kernel).max() <= 2 * 0.09
        assert not bias.any()
        if kernel.size > 10_000:
            # Truncating at two deviations leaves 0.88 of the deviation; 25,000 draws know it to 0.5 %.
            assert kernel.std() == pytest.approx(0.8796 * 0.09, rel=0.02)


def test_the_dropout_rate_can_be_set_and_dropout_left_out():
    assert build().get_layer("features_dropout").rate == 0.5
    assert build(dropout=0.2).get_layer("features_dropout").rate == 0.2
    assert "features_dropout" not in [layer.name for layer in build(dropout=0.0).layers]


def test_an_impossible_dropout_is_refused():
    with pytest.raises(ConfigError, match=r"`dropout` must be from 0 to below 1. Received: dropout=1.0\."):
        lenet5.Config(dropout=1.0)


def test_an_unknown_size_is_refused():
    with pytest.raises(ConfigError, match="lenet5: `inputs` must have a known height and width"):
        lenet5.build(lenet5.Config(), images(None, None, 1))


def test_the_smallest_image_leaves_one_pixel():
    assert lenet5.build(lenet5.Config(), images(16, 16, 1)).get_layer("pool2").output.shape == (
        None,
        1,
        1,
        50,
    )
    with pytest.raises(ConfigError, match=r"lenet5: `inputs` must be at least 16 x 16 pixels"):
        lenet5.build(lenet5.Config(), images(15, 16, 1))


def read_idx(path, header):
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), np.uint8, offset=header)


@pytest.mark.data
def test_pruned_weights_of_mayo_reach_their_published_accuracy(data_folder):
    checkpoint = data_folder / "pretrained" / "mayo_lenet5_mnist_pruned" / "pruned"
    if not checkpoint.with_suffix(".index").is_file():
        pytest.skip(f"needs Mayo's pruned LeNet-5. Looked at: {checkpoint}")
    values = tf.train.load_checkpoint(str(checkpoint))
    model = build()
    for ours, theirs in {"conv1": "conv0", "conv2": "conv1", "dense1": "fc1", "logits": "logits"}.items():
        weights = values.get_tensor(f"lenet5/{theirs}/weights")
        mask = values.get_tensor(f"lenet5/{theirs}/weights/DynamicNetworkSurgeryPruner.mask")
        model.get_layer(ours).set_weights([weights * mask, values.get_tensor(f"lenet5/{theirs}/biases")])
    pixels = read_idx(data_folder / "mnist" / "t10k-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28, 1)
    labels = read_idx(data_folder / "mnist" / "t10k-labels-idx1-ubyte.gz", 8)
    predicted = model.predict(pixels / np.float32(127.5) - 1, batch_size=500, verbose=0).argmax(-1)
    # 99.27 % of 10,000; one image may differ by rounding.
    assert int((predicted == labels).sum()) == pytest.approx(9927, abs=1)
