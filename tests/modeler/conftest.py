"""A tiny task: 2 x 2 grey images of three classes, a linear network, an inputter that only knows numbers."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from source.modeler import image_classification_modeler
from source.modeler.image_classification_modeler import ImageClassificationModeler

CLASSES = 3
SHAPE = (2, 2, 1)


@dataclasses.dataclass
class FakeInputter:
    """What a modeler asks of an inputter: 12 examples in batches of 4, two epochs."""

    num_classes: int = CLASSES
    image_shape: tuple[int, int, int] = SHAPE
    class_names: tuple[str, ...] = ("ant", "bee", "cat")
    counts: tuple[int, ...] = (2, 4, 6)
    epochs: int = 2

    def class_counts(self) -> list[int]:
        return list(self.counts)

    def steps_per_epoch(self, replicas: int) -> float:
        return sum(self.counts) / self.batch_size(replicas)

    def max_step(self, replicas: int) -> int:
        return int(self.steps_per_epoch(replicas) * self.epochs)

    def batch_size(self, replicas: int) -> int:
        return 4 * replicas


def linear(inputs: keras.KerasTensor, num_classes: int) -> keras.KerasTensor:
    """Logits = flattened pixels times `head/kernel` plus `head/bias`."""
    return keras.layers.Dense(num_classes, bias_initializer="random_normal", name="head")(
        keras.layers.Flatten(name="flat")(inputs)
    )


def with_norm(inputs: keras.KerasTensor, num_classes: int) -> keras.KerasTensor:
    """A convolution, a batch normalisation, dropout and a head."""
    features = keras.layers.Conv2D(4, 1, name="conv")(inputs)
    features = keras.layers.BatchNormalization(name="norm")(features)
    features = keras.layers.Dropout(0.5, name="drop")(keras.layers.Flatten(name="flat")(features))
    return keras.layers.Dense(num_classes, name="head")(features)


@pytest.fixture
def make_modeler() -> Callable[..., ImageClassificationModeler]:
    """Returns a function from settings to a built modeler: SGD with a rate of 0.1, unless they differ."""

    def make(network: Any = linear, inputter: Any = None, **settings: Any) -> ImageClassificationModeler:
        given = {"num_classes": CLASSES, "optimizer": "sgd", "learning_rate": 0.1, "batch_size_per_gpu": 4}
        config = image_classification_modeler.Config(**(given | settings))
        modeler = image_classification_modeler.build(config, network)
        modeler.get_dataset_info(inputter or FakeInputter())
        modeler.build()
        return modeler

    return make


@pytest.fixture
def batch() -> dict[str, tf.Tensor]:
    """Four images, one of them counting half and one of them padding."""
    images = np.random.default_rng(1).normal(size=(4, *SHAPE)).astype("float32")
    return {
        "image": tf.constant(images),
        "label": tf.constant([0, 1, 2, 1], tf.int32),
        "weight": tf.constant([1.0, 1.0, 0.5, 0.0]),
    }


@dataclasses.dataclass
class Numbers:
    """What NumPy in float64 says of the linear network: weights, loss of each example and gradients."""

    kernel: np.ndarray
    bias: np.ndarray
    losses: np.ndarray
    loss: float
    kernel_gradient: np.ndarray
    bias_gradient: np.ndarray


def by_hand(modeler: ImageClassificationModeler, batch: dict[str, tf.Tensor], shares: np.ndarray) -> Numbers:
    """Softmax cross-entropy with `shares` (b, classes) as labels, and its derivative."""
    kernel, bias = (np.asarray(weight.numpy(), np.float64) for weight in modeler.model.weights)
    pixels = batch["image"].numpy().reshape(4, -1).astype(np.float64)
    logits = pixels @ kernel + bias
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    losses = -(shares * np.log(probabilities)).sum(1)
    weight = batch["weight"].numpy().astype(np.float64)
    part = weight / weight.sum()
    slope = (probabilities * shares.sum(1, keepdims=True) - shares) * part[:, None]
    return Numbers(kernel, bias, losses, float(part @ losses), pixels.T @ slope, slope.sum(0))
