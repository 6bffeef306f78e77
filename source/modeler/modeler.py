"""What a modeler is: a model, an optimizer, and what a step computes."""

import abc
import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from source.compressor.compressor import Compressor
from source.config.config import ModelerConfig
from source.config.errors import CheckpointError, ConfigError
from source.modeler import (
    _accumulation,
    _average,
    _compression,
    _freeze,
    _gradient,
    _learning_rate,
    _naming,
    _network,
    _optimizer,
    _pretrained,
    _replica,
)

Batch = Mapping[str, tf.Tensor]


class Modeler(abc.ABC):
    """Computes what one step does; a runner decides when, how often and on which devices.

    The order of calls: `get_dataset_info`, `build`, perhaps `restore_pretrained`, then steps. Between `build`
    and the first step a checkpoint may assign to `state()`. Steps are pure graph code: they create no
    variables.

    With a compressor, `model` is what the compressor prepares of the network's model. Weights restored by
    `restore_pretrained` go into the network's model, which is then prepared anew: model, optimizer and `state()`
    are others after it.

    A task's subclass says what the model is (`create_model`), what an example's loss is (`example_losses`),
    what is reported beside it (`example_scores`), and how to evaluate and predict.

    Attributes:
        config: the configuration.
        network: what `build` makes the model from.
        compressor: what prepares the model; None trains it as it is.
        model: the Keras model, after `build`.
        optimizer: the Keras optimizer, after `build`.
        num_classes: of the data.
        image_shape: (h, w, c) of the images that the network sees.
        class_names: of the data, in the order of the labels.
        class_counts: training examples of each class.
        steps_per_epoch: training examples divided by `batch_size`, not rounded.
        max_step: number of training steps of the run; may be set before `build`.
        batch_size: examples in a step on all devices together.
    """

    model: keras.Model
    optimizer: keras.optimizers.Optimizer
    num_classes: int
    image_shape: tuple[int, int, int]
    class_names: Sequence[str]
    class_counts: Sequence[int]
    steps_per_epoch: float
    max_step: int
    batch_size: int

    def __init__(self, config: ModelerConfig, network: Any = None, compressor: Compressor | None = None) -> None:
        self.config = config
        self.network = network
        self.compressor = _compression.create(config, compressor)
        self._average: _average.WeightAverage | None = None
        self._training_images: Callable[[], list[np.ndarray]] | None = None

    # What a task says.

    @abc.abstractmethod
    def create_model(self) -> keras.Model:
        """Returns the model that the network means for this data."""

    @abc.abstractmethod
    def example_losses(self, outputs: tf.Tensor, batch: Batch) -> tf.Tensor:
        """Returns the loss of each example, float32 (b,), without weights and regularisation.

        Args:
            outputs: of the model.
            batch: of the inputter.
        """

    @abc.abstractmethod
    def example_scores(self, outputs: tf.Tensor, batch: Batch) -> dict[str, tf.Tensor]:
        """Returns what training reports beside the loss, such as accuracy, as float32 (b,) each.

        Args:
            outputs: of the model.
            batch: of the inputter.
        """

    @abc.abstractmethod
    def evaluation_metrics(self) -> dict[str, keras.metrics.Metric]:
        """Returns the metrics that evaluation accumulates, the same objects in every call."""

    @abc.abstractmethod
    def evaluate_step(self, batch: Batch) -> None:
        """Updates the evaluation metrics by one batch, each example counting by its weight.

        Args:
            batch: of the inputter.
        """

    @abc.abstractmethod
    def predict_step(self, batch: Batch) -> dict[str, tf.Tensor]:
        """Returns what the model predicts for a batch.

        Args:
            batch: of the inputter.
        """

    # What a runner calls.

    def get_dataset_info(self, inputter: Any, replicas: int = 1) -> None:
        """Remembers what the data looks like and how many steps there will be.

        Args:
            inputter: the inputter of the run.
            replicas: devices that share a step.
        """
        self.num_classes = inputter.num_classes
        self.image_shape = tuple(inputter.image_shape)
        self.class_names = inputter.class_names
        self.class_counts = inputter.class_counts()
        # Evaluation and export need no training data; the schedules that no step follows then have one step.
        trains = any(self.class_counts)
        self.steps_per_epoch = inputter.steps_per_epoch(replicas) if trains else 1.0
        self.max_step = inputter.max_step(replicas) if trains else 1
        self.batch_size = inputter.batch_size(replicas)
        self._training_images = (lambda: _compression.training_images(inputter, replicas)) if trains else None

    def build(self) -> None:
        """Creates the model and all variables of training, from the configured seed and in its precision.

        Seeds Python, NumPy and TensorFlow, because Keras initialisers draw from them.

        Raises:
            ConfigError: if the network does not fit, a filter of weights matches none, an option is unknown, or
                the compressor cannot compress the model.
        """
        if self._training_images is not None:
            self.compressor = _compression.for_steps(self.config, self.compressor, self.max_step)
        keras.utils.set_random_seed(self.config.seed)
        with _dtype_policy(self.config.precision):
            self._plain = self.create_model()
        _network.check_precision(self._plain, self.config.precision)
        images = self._training_images or (lambda: _compression.stand_in_images(self.image_shape))
        self._set_up(self._prepared(images))
        self.evaluation_metrics()

    def _prepared(self, images: Callable[[], list[np.ndarray]]) -> keras.Model:
        """Returns the network's model as the compressor prepares it, the same whenever it is asked."""
        if self.compressor is None:
            return self._plain
        keras.utils.set_random_seed(self.config.seed)
        calibration = images() if self.compressor.needs_calibration else None
        return self.compressor.prepare(self._plain, calibration)

    def _set_up(self, model: keras.Model) -> None:
        """Makes a model the one that trains, with an optimizer of its weights."""
        self.model = model
        _freeze.train_only(self.model, self.config.trainable_vars)
        names = _naming.model_names(self.model)
        by_id = {id(variable): name for name, variable in names.items()}
        self._trained = {by_id[id(weight)]: weight for weight in self.model.trainable_variables}
        if not self._trained:
            raise ConfigError("network: the model has no weight that can be trained.")
        self._decayed = self._weights_with_l2()
        self.optimizer = self._create_optimizer()
        self.optimizer.build(list(self._trained.values()))
        if self.config.ema_decay is not None:
            self._average = _average.WeightAverage(self.config.ema_decay, self._trained)

    def train_step(self, batch: Batch) -> dict[str, tf.Tensor]:
        """Improves the weights by one batch.

        The loss is the mean of the examples' losses, each counting by its weight, plus the L2 term, plus what
        the model's own layers add to it. On several replicas it is that of all their batches together, and so
        are the numbers returned.

        Args:
            batch: `weight` (b,) float32 and what the task needs.

        Returns:
            float32 scalars of before the step: `loss`, `learning_rate`, the task's scores, and
            `gradient_norm` before clipping if `clip_norm` is set.
        """
        learning_rate = tf.cast(self.optimizer.learning_rate, tf.float32)
        scale = _gradient.loss_scale(self.optimizer)
        scalars, gradients = self._compute(self._with_shares(batch), scale)
        scalars = {name: _replica.total(scalar) for name, scalar in scalars.items()}
        if self._decayed:
            scalars["loss"] += self._l2_loss()
            gradients = self._add_l2(gradients, scale)
        if self.config.clip_norm is not None:
            gradients, scalars["gradient_norm"] = self._clip(gradients, self.config.clip_norm, scale)
        self.optimizer.apply(gradients, list(self._trained.values()))
        if self._average is not None:
            self._average.update()
        return {**scalars, "learning_rate": learning_rate}

    @contextlib.contextmanager
    def evaluation_weights(self) -> Iterator[None]:
        """Lets the model hold the averaged weights, if there are any; the same weights return after."""
        if self._average is None:
            yield
            return
        with self._average.swapped_in():
            yield

    @contextlib.contextmanager
    def finished_model(self) -> Iterator[None]:
        """Lets the modeler hold what the compressor finishes the model to; without a compressor, the model itself.

        Raises:
            ConfigError: if nothing was compressed yet.
        """
        if self.compressor is None:
            yield
            return
        prepared = self.model
        self.model = self.compressor.finish(prepared)
        try:
            yield
        finally:
            self.model = prepared

    def metric_results(self) -> dict[str, float]:
        """Returns the scalar evaluation metrics of all batches since `reset_metrics`."""
        results = {name: metric.result() for name, metric in self.evaluation_metrics().items()}
        return {name: float(result) for name, result in results.items() if result.shape.rank == 0}

    def reset_metrics(self) -> None:
        """Begins a new evaluation."""
        for metric in self.evaluation_metrics().values():
            metric.reset_state()

    def state(self) -> dict[str, tf.Variable]:
        """Returns all variables that a checkpoint must hold, by names that are the same in every process.

        `model/<path>` are the model's weights, statistics and random states; `optimizer/<path>` the
        optimizer's, its step among them; `average/<path>` the averaged weights.
        """
        state = {f"model/{name}": variable for name, variable in _naming.model_names(self.model).items()}
        optimizer = _naming.optimizer_names(self.optimizer.variables, self._trained.items())
        state |= {f"optimizer/{name}": variable for name, variable in optimizer.items()}
        if self._average is not None:
            state |= {f"average/{name}": variable for name, variable in self._average.variables.items()}
        return {name: variable.value for name, variable in state.items()}

    def compression(self) -> list[tuple[str, str, str]]:
        """Returns what weights, inputs and outputs are seen through: layer, place and description, in order."""
        return _compression.seen_through(self.model)

    def restore_pretrained(
        self, path: str | os.PathLike[str], skip: Sequence[str] = (), rules: str | None = None
    ) -> _pretrained.PretrainedReport:
        """Takes from a file the weights and statistics that agree in name and shape, and says which did not.

        With a compressor, a file that has all of the prepared model, masks and limits too, is taken as it is; any
        other is taken into the network's model, which the compressor then prepares again.

        Args:
            path: a checkpoint (`.npz`, averaged weights are preferred); a `.keras` or `.weights.h5` file; an `.h5`
                file of Keras 2; or an `.npz` file with one array for each path of a variable, or for each name of
                a PyTorch state dictionary. The last two may call their layers otherwise than the model does, if
                the layers have the same order. With rules, any file that `read_arrays` reads.
            skip: weights whose path contains one of these stay as they are.
            rules: name of shipped rules, or a file of rules, by which every array becomes a weight or is dropped.

        Raises:
            CheckpointError: if the file cannot be read or nothing in it fits, or the rules leave anything open.
            UnknownNameError: if there are no such rules.
            ConfigError: if the compressor must be calibrated and there are no training images.
        """
        if rules is not None:
            return self._restore_by_rules(os.fspath(path), skip, rules)
        if self.compressor is not None:
            return self._restore_compressed(os.fspath(path), skip)
        report = _pretrained.restore(_naming.model_names(self.model), os.fspath(path), skip)
        if self._average is not None:
            self._average.reset()
        return report

    def _restore_by_rules(self, path: str, skip: Sequence[str], rules: str) -> _pretrained.PretrainedReport:
        report = _pretrained.restore_by_rules(self._plain, path, skip, rules)
        if self.compressor is not None:
            self._set_up(self._prepared(self._training_images or self._no_images))
        elif self._average is not None:
            self._average.reset()
        return report

    def _restore_compressed(self, path: str, skip: Sequence[str]) -> _pretrained.PretrainedReport:
        with contextlib.suppress(CheckpointError):  # the plain model will say what is wrong
            report = _pretrained.restore(_naming.model_names(self.model), path, skip)
            if not (report.missing or report.mismatched):
                if self._average is not None:
                    self._average.reset()
                return report
        report = _pretrained.restore(_naming.model_names(self._plain), path, skip)
        self._set_up(self._prepared(self._training_images or self._no_images))
        return report

    def _no_images(self) -> list[np.ndarray]:
        name = "" if self.compressor is None else self.compressor.name
        raise ConfigError(
            f"compressor: `{name}` is calibrated with training images, and there are none. Give `train_dataset_meta`."
        )

    # What a step is made of.

    def regularization_loss(self) -> tf.Tensor:
        """Returns the L2 term of the loss; zero if there is none."""
        return self._l2_loss() if self._decayed else tf.constant(0.0)

    def _with_shares(self, batch: Batch) -> dict[str, tf.Tensor]:
        """Returns the batch and, as `share`, the part of the whole loss that each example makes up."""
        total = _replica.total(tf.reduce_sum(batch["weight"]))
        return {**batch, "share": tf.math.divide_no_nan(batch["weight"], total)}

    def _compute(self, batch: Batch, scale: tf.Tensor | None) -> tuple[_gradient.Scalars, list[tf.Tensor]]:
        parts = self.config.accumulation_steps
        weights = [weight.value for weight in self._trained.values()]

        def compute(part: Batch) -> tuple[_gradient.Scalars, list[tf.Tensor]]:
            return _gradient.of_loss(lambda: self._forward(part, parts), weights, scale)

        return compute(batch) if parts == 1 else _accumulation.in_parts(compute, batch, parts)

    def _forward(self, batch: Batch, parts: int) -> _gradient.Scalars:
        """Returns what a part of the batch adds to the loss and to the scores of the whole batch."""
        outputs = self.model(batch["image"], training=True)
        loss = tf.tensordot(self.example_losses(outputs, batch), batch["share"], 1)
        if self.model.losses:  # of regularisers and of layers that call `add_loss`
            loss += tf.cast(tf.add_n(self.model.losses), tf.float32) / (parts * _replica.count())
        scores = self.example_scores(outputs, batch)
        return {
            "loss": loss,
            **{name: tf.tensordot(score, batch["share"], 1) for name, score in scores.items()},
        }

    def _l2_loss(self) -> tf.Tensor:
        return _gradient.l2_loss([weight.value for weight in self._decayed.values()], self.config.l2_weight_decay)

    def _add_l2(self, gradients: Sequence[tf.Tensor], scale: tf.Tensor | None) -> list[tf.Tensor]:
        # Keras optimizers sum gradients over replicas, so each replica brings its part.
        factor = self.config.l2_weight_decay / _replica.count()
        weights = [weight.value for weight in self._trained.values()]
        return _gradient.add_l2(gradients, weights, set(self._decayed), factor if scale is None else factor * scale)

    def _clip(
        self, gradients: Sequence[tf.Tensor], longest: float, scale: tf.Tensor | None
    ) -> tuple[list[tf.Tensor], tf.Tensor]:
        """Clips the gradient of all replicas together, and returns each replica's part of it."""
        replicas = _replica.count()
        gradients = [_replica.total(gradient) for gradient in gradients]
        clipped, norm = _gradient.clip(gradients, longest, scale)
        return (clipped if replicas == 1 else [gradient / replicas for gradient in clipped]), norm

    def _weights_with_l2(self) -> dict[int, keras.Variable]:
        """Returns the weights that have an L2 term, by their position among those that are trained."""
        if not self.config.l2_weight_decay:
            return {}
        skip = self.config.skip_l2_loss_vars
        states = _compression.states(self.model)
        chosen = {
            position: weight
            for position, weight in enumerate(self._trained.values())
            if id(weight) not in states and not any(part in weight.path for part in skip)
        }
        if not chosen:
            raise ConfigError(
                f"skip_l2_loss_vars: leaves no weight for l2_weight_decay={self.config.l2_weight_decay}. "
                f"Received: skip_l2_loss_vars={skip}."
            )
        return chosen

    def _create_optimizer(self) -> keras.optimizers.Optimizer:
        config = self.config
        rate = _learning_rate.create(config, self.steps_per_epoch, self.max_step, self.batch_size)
        scale_loss = config.precision == "mixed_float16"
        return _optimizer.create(config.optimizer, config.optimizer_options, rate, scale_loss)


@contextlib.contextmanager
def _dtype_policy(precision: str) -> Iterator[None]:
    """Makes layers created inside compute in `precision`."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
