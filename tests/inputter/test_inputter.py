"""Tests of the arithmetic of batches and steps that all inputters share, on one that only counts."""

import pytest
import tensorflow as tf

from source.config.config import InputterConfig
from source.config.errors import ConfigError, DataError
from source.inputter import inputter as inputter_module
from source.inputter.inputter import Inputter


class Counting(Inputter):
    """Batches that say which rows they hold."""

    def __init__(self, counts, **fields):
        super().__init__(InputterConfig(**fields))
        self.counts = counts

    def get_num_samples(self, split="train"):
        inputter_module.check_split(split)
        return self.counts.get(split, 0)

    def batches(self, split, order, start_step, batch, is_training):
        return order.steps(start_step).map(order.rows).map(lambda rows: (rows.index, tf.constant(is_training)))

    def diagnose(self, split="train", step=0, replicas=1, steps=None):
        return None


def test_steps_follow_from_examples_epochs_and_batch():
    counting = Counting({"train": 1050}, batch_size_per_gpu=100, epochs=2.5)
    assert counting.batch_size(3) == 300
    assert counting.steps_per_epoch() == 10.5
    assert counting.max_step() == 26  # 2,625 // 100
    assert counting.max_step(replicas=4) == 6


def test_fewer_examples_than_a_batch_are_an_error():
    counting = Counting({"train": 7}, batch_size_per_gpu=4, epochs=1)
    assert counting.max_step() == 1
    with pytest.raises(DataError, match="fewer examples than one batch: 7 examples x 1 epochs make no step of 8"):
        counting.max_step(replicas=2)


@pytest.mark.parametrize(
    ("split", "advice"),
    [
        ("train", "nothing to train on: give `train_dataset_meta` or `dataset_meta`"),
        ("evaluate", "nothing to evaluate on: give `eval_dataset_meta`, .* `validation_fraction`"),
        ("infer", "nothing to predict on: give `test_samples`"),
    ],
)
def test_a_split_without_examples_says_what_to_give(split, advice):
    with pytest.raises(DataError, match=advice):
        Counting({}).input_fn(split)


def test_only_evaluation_data_counts_as_such():
    assert not Counting({"train": 5}).has_evaluation_data
    assert Counting({"evaluate": 5}).has_evaluation_data


def test_training_is_endless_and_distorted_and_the_rest_is_not():
    counting = Counting({"train": 5, "evaluate": 5}, batch_size_per_gpu=2)
    assert counting.input_fn().cardinality() == tf.data.INFINITE_CARDINALITY
    assert counting.input_fn("evaluate").cardinality() == 3
    assert bool(next(iter(counting.input_fn()))[1])
    assert not bool(next(iter(counting.input_fn("evaluate")))[1])
    assert not bool(next(iter(counting.input_fn(overfit_one_batch=True)))[1])


def test_an_unknown_split_offers_the_nearest():
    with pytest.raises(ConfigError, match=r"Received: split='evaluat'. Did you mean `evaluate`"):
        Counting({}).input_fn("evaluat")
