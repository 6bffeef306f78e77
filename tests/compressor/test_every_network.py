"""Tests that every network of Keras, and two for text, are compressed, trained, saved and finished.

The large ones: `python -m pytest -m slow tests/compressor/test_every_network.py`, some minutes each on two cores.
"""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from source.compressor.build import compressor
from source.config.errors import ConfigError
from source.layer.compressed import compressed_layers
from source.layer.load_model import load_model
from tests.compressor.networks import NETWORKS, batch_for, with_statistics
from tests.layer.kinds import arrays, equal

WAYS = {
    "magnitude_pruning": {"sparsity": 0.5, "schedule": "one_shot", "begin_step": 0},
    "quantize_aware": {},
}
# Outputs of a prepared model before the first step are those of the model.
UNCHANGED = ("magnitude_pruning",)
# What is refused, with a part of the message.
REFUSED: dict[tuple[str, str], str] = {}

EVERY = [pytest.param(name, marks=[pytest.mark.slow] if network.slow else []) for name, network in NETWORKS.items()]


@functools.lru_cache(maxsize=1)
def given(name: str) -> keras.Model:
    return with_statistics(NETWORKS[name].model())


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("way", WAYS)
def test_a_network_is_compressed_trained_saved_and_finished(name, way, tmp_path):
    model, made = given(name), compressor(way, **WAYS[way])
    batch = batch_for(model)
    expected, before = arrays(model(batch)), arrays(model.variables)
    if (name, way) in REFUSED:
        with pytest.raises(ConfigError, match=REFUSED[name, way]):
            made.prepare(model)
        return
    prepared = made.prepare(model)
    if way in UNCHANGED:
        assert equal(prepared(batch), expected)
    losses = [train(prepared, batch) for _ in range(2)]
    assert np.isfinite(losses).all() and losses[0] != losses[1]
    if made.first_step is not None:
        made.update(made.first_step)
    outputs = arrays(prepared(batch))
    prepared.save(tmp_path / "model.keras")
    assert equal(load_model(tmp_path / "model.keras")(batch), outputs)
    finished = made.finish(prepared)
    assert not any(True for _ in compressed_layers(finished))
    assert equal(finished(batch), outputs)
    assert np.isfinite(outputs[0]).all() and np.ptp(outputs[0]) > 0.0
    assert equal(model.variables, before)


def train(model: keras.Model, batch: np.ndarray) -> float:
    """Takes a step against the gradient, which every trained weight must have, and returns the loss."""
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(batch, training=True) - 1.0))
    gradients = tape.gradient(loss, model.trainable_variables)
    assert [
        variable.path
        for variable, gradient in zip(model.trainable_variables, gradients, strict=True)
        if gradient is None
    ] == []
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        step = tf.clip_by_norm(tf.convert_to_tensor(gradient), 1e-3)
        variable.assign_sub(step)
    return float(loss)


def test_there_is_a_member_of_every_family():
    families = {
        "ConvNeXt", "DenseNet", "EfficientNetB", "EfficientNetV2", "InceptionResNet", "InceptionV", "MobileNet",
        "MobileNetV2", "MobileNetV3", "NASNet", "ResNet50", "ResNet50V2", "VGG16", "VGG19", "Xception",
    }  # fmt: skip
    assert {family for family in families if not any(name.startswith(family) for name in NETWORKS)} == set()
    classes = [name for name, each in vars(keras.applications).items() if callable(each)]
    assert [name for name in classes if not name.startswith((*families, "ResNet1"))] == []
