"""Image classification: softmax cross-entropy, accuracy, and a confusion matrix."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from source.compressor.compressor import Compressor
from source.config import settings
from source.config.errors import ConfigError
from source.config.image_classification_config import ImageClassificationModelerConfig
from source.modeler import _class_weights, _confusion, _network
from source.modeler.modeler import Batch, Modeler


@settings.settings
class Config(ImageClassificationModelerConfig):
    """The settings of the task, without more."""


def build(
    config: ImageClassificationModelerConfig, network: Any = None, compressor: Compressor | None = None
) -> "ImageClassificationModeler":
    """Returns a modeler of image classification.

    Args:
        config: the settings.
        network: a network's module, a function `net`, or a Keras model that returns logits; None takes
            `config.network`.
        compressor: a compressor made by `espalier.compressor`; None takes `config.compressor`.
    """
    return ImageClassificationModeler(settings.adopt(Config, config), network, compressor)


class ImageClassificationModeler(Modeler):
    """Trains a network that maps images (b, h, w, c) to logits (b, classes).

    Labels are classes (b,) or, after mixing images, shares of classes (b, classes) whose rows sum to 1.
    """

    config: Config

    def __init__(self, config: Config, network: Any = None, compressor: Compressor | None = None) -> None:
        super().__init__(config, network, compressor)
        self._metrics: dict[str, keras.metrics.Metric] = {}
        self._class_weights: tuple[float, ...] = ()

    def get_dataset_info(self, inputter: Any, replicas: int = 1) -> None:
        """Remembers what the data looks like, and the weights of its classes.

        Args:
            inputter: the inputter of the run.
            replicas: devices that share a step.

        Raises:
            ConfigError: if the data has another number of classes, or class weights cannot be made from it.
        """
        super().get_dataset_info(inputter, replicas)
        if self.num_classes != self.config.num_classes:
            raise ConfigError(
                f"num_classes: the modeler must have as many classes as the data, {self.num_classes}. "
                f"Received: num_classes={self.config.num_classes}."
            )
        self._class_weights = _class_weights.class_weights(
            self.config.class_weights, self.class_counts, self.class_names
        )

    def create_model(self) -> keras.Model:
        """Returns the network's model, checked to return logits (b, classes)."""
        config = self.config
        return _network.build_model(
            self.network, config.network, config.network_options, config.num_classes, self.image_shape
        )

    def example_losses(self, outputs: tf.Tensor, batch: Batch) -> tf.Tensor:
        """Returns the cross-entropy of each example, times the weight of its class.

        `-sum_k y_k log softmax(z)_k` with `y = (1 - s) label + s / classes` for a label smoothing of s, after
        Szegedy et al.: Rethinking the inception architecture, 2016, https://arxiv.org/abs/1512.00567. The
        weight of a mixed label is the mean of its classes' weights.

        Args:
            outputs: logits z (b, classes), of any float type.
            batch: `label` (b,) or (b, classes).

        Returns:
            float32 (b,), in nats.
        """
        logits = tf.cast(outputs, tf.float32)
        label = batch["label"]
        losses = self._cross_entropy(logits, label)
        if not self._class_weights:
            return losses
        weights = tf.constant(self._class_weights, tf.float32)
        return losses * (tf.gather(weights, label) if _is_class(label) else tf.linalg.matvec(label, weights))

    def example_scores(self, outputs: tf.Tensor, batch: Batch) -> dict[str, tf.Tensor]:
        """Returns `accuracy`: 1 where the largest logit is that of the label (of its largest share), else 0.

        Args:
            outputs: logits (b, classes).
            batch: `label` (b,) or (b, classes).
        """
        hit = tf.equal(tf.argmax(outputs, -1), _as_class(batch["label"]))
        return {"accuracy": tf.cast(hit, tf.float32)}

    def evaluation_metrics(self) -> dict[str, keras.metrics.Metric]:
        """Returns `loss`, `accuracy`, `top_<k>_accuracy` (for more than k classes) and `confusion_matrix`."""
        if not self._metrics:
            names = ["loss", "accuracy"] + ([self._top_k_name] if self._has_top_k else [])
            self._metrics = {name: keras.metrics.Mean(name, dtype="float32") for name in names}
            self._metrics["confusion_matrix"] = _confusion.ConfusionMatrix(self.config.num_classes)
        return dict(self._metrics)

    def evaluate_step(self, batch: Batch) -> None:
        """Updates the metrics by one batch.

        Loss is what training minimises, L2 term, label smoothing and class weights included.

        Args:
            batch: `image` (b, h, w, c), `label` (b,) or (b, classes), `weight` (b,).
        """
        logits = tf.cast(self.model(batch["image"], training=False), tf.float32)
        weight = batch["weight"]
        label = _as_class(batch["label"])
        predicted = tf.argmax(logits, -1)
        metrics = self.evaluation_metrics()
        losses = self.example_losses(logits, batch) + self.regularization_loss()
        metrics["loss"].update_state(losses, weight)
        metrics["accuracy"].update_state(tf.cast(tf.equal(predicted, label), tf.float32), weight)
        if self._has_top_k:
            within = tf.math.in_top_k(label, logits, self.config.top_k)
            metrics[self._top_k_name].update_state(tf.cast(within, tf.float32), weight)
        metrics["confusion_matrix"].update_state(label, predicted, weight)

    def confusion_matrix(self) -> np.ndarray:
        """Returns how many examples of each class (row) were taken for each class (column), int64."""
        return np.asarray(self.evaluation_metrics()["confusion_matrix"].result())

    def predict_step(self, batch: Batch) -> dict[str, tf.Tensor]:
        """Returns `classes` (b,) int64 and `probabilities` (b, classes) float32.

        Args:
            batch: `image` (b, h, w, c).
        """
        logits = tf.cast(self.model(batch["image"], training=False), tf.float32)
        return {"classes": tf.argmax(logits, -1), "probabilities": tf.nn.softmax(logits)}

    @property
    def _has_top_k(self) -> bool:
        return self.config.num_classes > self.config.top_k > 1

    @property
    def _top_k_name(self) -> str:
        return f"top_{self.config.top_k}_accuracy"

    def _cross_entropy(self, logits: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
        smoothing, classes = self.config.label_smoothing, self.config.num_classes
        if _is_class(label) and not smoothing:
            return tf.nn.sparse_softmax_cross_entropy_with_logits(label, logits)
        shares = tf.one_hot(label, classes) if _is_class(label) else label
        shares = shares * (1.0 - smoothing) + smoothing / classes if smoothing else shares
        return tf.nn.softmax_cross_entropy_with_logits(shares, logits)


def _is_class(label: tf.Tensor) -> bool:
    """Whether labels are classes (b,) rather than shares of classes (b, classes)."""
    return label.shape.rank == 1


def _as_class(label: tf.Tensor) -> tf.Tensor:
    """Returns the class, or that of the largest share, int64 (b,)."""
    return tf.cast(label, tf.int64) if _is_class(label) else tf.argmax(label, -1)
