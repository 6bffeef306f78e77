"""The base of all inputters: how many examples and steps there are, and the batches of a step on."""

from __future__ import annotations

import abc

import tensorflow as tf

from source.config.config import InputterConfig
from source.config.errors import ConfigError, DataError
from source.config.nearest import did_you_mean
from source.inputter import _order

SPLITS = ("train", "evaluate", "infer")


class Inputter(abc.ABC):
    """Turns files into batches of one task.

    The whole state of a pipeline is the step it starts at: `input_fn("train", start_step=n)` gives bit for bit the
    batches that `input_fn("train")` gives from its n-th on, on any machine and with any number of parallel calls.
    """

    def __init__(self, config: InputterConfig) -> None:
        self.config = config

    @abc.abstractmethod
    def get_num_samples(self, split: str = "train") -> int:
        """Returns how many examples a split has, 0 if there is none.

        Args:
            split: "train", "evaluate" or "infer".
        """

    @abc.abstractmethod
    def batches(
        self, split: str, order: _order.Order, start_step: int, batch: int, is_training: bool
    ) -> tf.data.Dataset:
        """Returns the batches of an order of the examples of a split.

        Args:
            split: "train", "evaluate" or "infer".
            order: which examples a step takes.
            start_step: the first step.
            batch: examples in a step.
            is_training: distort at random; otherwise prepare as evaluation does.
        """

    @abc.abstractmethod
    def diagnose(
        self, split: str = "train", step: int = 0, replicas: int = 1, steps: int | None = None
    ) -> DataError | None:
        """Returns the error of the first bad example among those of some steps, or None if all are good.

        `tf.data` says that something failed but not for which file. After such a failure the examples are read
        again, outside the pipeline.

        Args:
            split: the split that failed.
            step: the first step that may hold the bad example.
            replicas: devices that share a batch.
            steps: how many steps from there on; None looks through one epoch.
        """

    @property
    def has_evaluation_data(self) -> bool:
        """Whether there is anything to evaluate on."""
        return self.get_num_samples("evaluate") > 0

    def batch_size(self, replicas: int = 1) -> int:
        """Returns the examples of a step on all devices together.

        Args:
            replicas: devices that share a batch, at least 1.
        """
        if replicas < 1:
            raise ConfigError(f"`replicas` must be at least 1. Received: replicas={replicas}.")
        return self.config.batch_size_per_gpu * replicas

    def steps_per_epoch(self, replicas: int = 1) -> float:
        """Returns n / batch, the steps in which the training data is gone through once; seldom a whole number.

        Args:
            replicas: devices that share a batch.
        """
        return self.get_num_samples("train") / self.batch_size(replicas)

    def max_step(self, replicas: int = 1) -> int:
        """Returns int(n * epochs) // batch, the steps of a whole training run.

        Args:
            replicas: devices that share a batch.

        Raises:
            DataError: if there are no examples, or fewer than one batch takes.
        """
        count, batch = self.get_num_samples("train"), self.batch_size(replicas)
        if count == 0:
            raise DataError(_NOTHING["train"])
        steps = int(count * self.config.epochs) // batch
        if steps == 0:
            raise DataError(
                f"There are fewer examples than one batch: {count} examples x {self.config.epochs:g} epochs "
                f"make no step of {batch}. Lower `batch_size_per_gpu` or raise `epochs`."
            )
        return steps

    def input_fn(
        self, split: str = "train", start_step: int = 0, replicas: int = 1, overfit_one_batch: bool = False
    ) -> tf.data.Dataset:
        """Returns the batches of a split, each for all devices together.

        "train" never ends: each epoch is shuffled anew, and batches cross from one epoch into the next.
        "evaluate" and "infer" go through the examples once, in the order of the files; the last batch is filled up
        with rows of weight 0.

        Args:
            split: "train", "evaluate" or "infer".
            start_step: the first step, at least 0.
            replicas: devices that share a batch.
            overfit_one_batch: give the first training batch again and again, not distorted.

        Raises:
            DataError: if the split has no examples.
        """
        check_split(split)
        if start_step < 0:
            raise ConfigError(f"`start_step` must be at least 0. Received: start_step={start_step}.")
        order, batch = self.order(split, replicas), self.batch_size(replicas)
        is_training = split == "train" and not overfit_one_batch
        if overfit_one_batch:
            order = _order.FirstBatchOrder(order)
        return self.batches(split, order, start_step, batch, is_training)

    def order(self, split: str, replicas: int = 1) -> _order.Order:
        """Returns which examples each step of a split takes.

        Args:
            split: "train", "evaluate" or "infer".
            replicas: devices that share a batch.

        Raises:
            DataError: if the split has no examples.
        """
        count, batch = self.get_num_samples(split), self.batch_size(replicas)
        if count == 0:
            raise DataError(_NOTHING[split])
        return (
            _order.ShuffledOrder(count, batch, self.config.seed) if split == "train" else _order.FileOrder(count, batch)
        )


_NOTHING = {
    "train": "There is nothing to train on: give `train_dataset_meta` or `dataset_meta`.",
    "evaluate": "There is nothing to evaluate on: give `eval_dataset_meta`, or set aside a part of the training data "
    "with `validation_fraction`.",
    "infer": "There is nothing to predict on: give `test_samples`.",
}


def check_split(split: str) -> None:
    """Refuses an unknown split.

    Args:
        split: what came.

    Raises:
        ConfigError: unless it is "train", "evaluate" or "infer".
    """
    if split not in SPLITS:
        raise ConfigError(
            f"`split` must be train, evaluate or infer. Received: split={split!r}. {did_you_mean(str(split), SPLITS)}"
        )
