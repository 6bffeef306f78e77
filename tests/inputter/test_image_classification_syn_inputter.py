"""Tests that made-up images are as many as wanted, follow from the seed, and can be told apart."""

import numpy as np
import pytest

from source.config.errors import ConfigError
from source.inputter import image_classification_syn_inputter as syn
from tests.inputter import _files


def batch(count=60, split="train", **fields):
    config = syn.Config(batch_size_per_gpu=count, num_samples=count, num_evaluation_samples=count, **fields)
    return _files.take(syn.build(config), 1, split)[0]


def test_defaults_make_256_images_and_64_to_evaluate_on():
    inputter = syn.build(syn.Config())
    assert (inputter.get_num_samples(), inputter.get_num_samples("evaluate")) == (256, 64)
    assert inputter.class_counts("evaluate") == (7, 7, 7, 7, 6, 6, 6, 6, 6, 6)


def test_the_seed_decides_and_the_two_splits_differ():
    _files.same([batch(seed=1)], [batch(seed=1)])
    assert (batch(seed=1)["image"] != batch(seed=2)["image"]).any()
    assert (np.sort(batch()["image"].ravel()) != np.sort(batch(split="evaluate")["image"].ravel())).any()


@pytest.mark.parametrize("depth", [1, 3])
def test_classes_can_be_told_apart_by_their_directions(depth):
    fields = {"num_classes": 4, "image_depth": depth, "image_height": 24, "image_width": 24}
    train, held_out = batch(**fields), batch(split="evaluate", **fields)

    def spectra(images):
        # The phase is random, so the nearest neighbour is looked for among amplitudes.
        return np.abs(np.fft.rfft2(images.mean(axis=-1) - 127.5)).reshape(len(images), -1)

    distance = np.linalg.norm(spectra(held_out["image"])[:, np.newaxis] - spectra(train["image"]), axis=-1)
    assert (train["label"][distance.argmin(axis=1)] == held_out["label"]).mean() > 0.95


def test_there_may_be_nothing_to_evaluate_on():
    assert not syn.build(syn.Config(num_evaluation_samples=0)).has_evaluation_data
    assert syn.build(syn.Config(num_evaluation_samples=0, validation_fraction=0.25)).get_num_samples() == 190


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"num_samples": 0}, "`num_samples` must be at least 1. Received: num_samples=0"),
        ({"num_evaluation_samples": -1}, "`num_evaluation_samples` must be at least 0"),
        ({"noise": -1.0}, "`noise` must be at least 0. Received: noise=-1.0"),
    ],
)
def test_impossible_numbers_are_refused(fields, message):
    with pytest.raises(ConfigError, match=message):
        syn.Config(**fields)
