"""Tests of ResNet-8, and of the weights that MLPerf Tiny publishes for it."""

import re

import keras
import numpy as np
import pytest

from source.config.errors import ConfigError
from source.modeler import _naming, _pretrained
from source.network import resnet8
from tests.network.counting import images, multiplications, total, trainable
from tests.network.test_cifar_resnet import first_pixels


def build(**settings):
    return resnet8.build(resnet8.Config(**settings), images(32, 32, 3))


def test_the_counts_are_those_of_the_benchmark():
    model = build()
    assert (trainable(model), total(model)) == (78_186, 78_666)
    assert multiplications(model) == 12_501_632


def test_eight_layers_have_weights_and_two_shortcuts_a_convolution_each():
    model = build()
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert len(convolutions) + 1 == 8 + 2
    assert all(layer.use_bias and layer.padding == "same" for layer in convolutions)
    shortcut = model.get_layer("stage2_shortcut_conv")
    assert (shortcut.kernel.shape, shortcut.strides) == ((1, 1, 16, 32), (2, 2))
    assert "stage2_shortcut_norm" not in {layer.name for layer in model.layers}


def test_the_stages_have_16_32_and_64_channels_at_32_16_and_8_pixels():
    model = build()
    shapes = [model.get_layer(f"stage{stage}_relu2").output.shape for stage in (1, 2, 3)]
    assert shapes == [(None, 32, 32, 16), (None, 16, 16, 32), (None, 8, 8, 64)]


def test_the_momentum_reaches_every_batch_normalisation():
    norms = [
        layer for layer in build(batch_norm_momentum=0.5).layers if isinstance(layer, keras.layers.BatchNormalization)
    ]
    assert [(norm.momentum, norm.epsilon) for norm in norms] == [(0.5, 1e-3)] * 7


def test_an_impossible_momentum_is_refused():
    message = "`batch_norm_momentum` must be from 0 to below 1. Received: batch_norm_momentum=-1.0"
    with pytest.raises(ConfigError, match=re.escape(message)):
        resnet8.Config(batch_norm_momentum=-1.0)


def correct(data_folder, per_class):
    # Of github.com/mlcommons/tiny, Apache-2.0; a file of Keras 2.4 with layer names of its own.
    file = data_folder / "pretrained" / "mlperf_tiny" / "pretrainedResnet.h5"
    if not file.is_file():
        pytest.skip(f"needs the pretrained ResNet-8. Looked at: {file}")
    model = build()
    report = _pretrained.restore(_naming.model_names(model), str(file), ())
    assert report.by_order and len(report.loaded) == len(model.weights) == 48
    assert (report.missing, report.mismatched, report.unused) == ((), (), ())
    pixels, labels = first_pixels(data_folder, per_class)
    return int((model.predict(pixels.astype(np.float32), batch_size=250, verbose=0).argmax(-1) == labels).sum())


@pytest.mark.data
def test_the_published_weights_fit_and_classify(data_folder):
    # 178 when this was written; one image may sit on the edge between two classes on another processor.
    assert correct(data_folder, per_class=20) == pytest.approx(178, abs=1)


@pytest.mark.data
@pytest.mark.slow
def test_the_published_weights_reach_their_accuracy(data_folder):
    # 87.19 % of all test images; one of 10,000 may differ by rounding.
    assert correct(data_folder, per_class=1000) == pytest.approx(8719, abs=1)
