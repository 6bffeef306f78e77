"""Tests that the digits are scikit-learn's, resized, with a fixed hold-out of each class."""

import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits

from source.config.errors import MissingDependencyError
from source.config.image_classification_config import ImageClassificationInputterConfig
from source.inputter import digits
from tests.inputter import _files


def test_defaults_fit_lenet5_and_hold_a_fifth_of_each_class_out():
    inputter = digits.build(digits.Config())
    assert inputter.image_shape == (28, 28, 1)
    assert (inputter.get_num_samples(), inputter.get_num_samples("evaluate")) == (1438, 359)
    assert inputter.class_counts("evaluate") == (36, 36, 35, 37, 36, 36, 36, 36, 35, 36)
    assert inputter.class_names == tuple("0123456789")


def test_in_their_own_size_they_are_scikit_learns_scaled_to_255():
    config = digits.Config(image_height=8, image_width=8, batch_size_per_gpu=1797, validation_fraction=0.0)
    inputter = digits.build(config)
    shown = np.concatenate([_files.take(digits.build(config), 1, split)[0]["image"] for split in ("train", "evaluate")])
    expected = np.rint(load_digits().images * 255 / 16)[..., np.newaxis]
    assert inputter.get_num_samples("evaluate") == 359
    assert {image.tobytes() for image in shown} == {image.astype(np.float32).tobytes() for image in expected}


def test_the_hold_out_stays_where_the_seed_stays():
    def held_out(seed):
        return _files.take(digits.build(digits.Config(seed=seed)), 1, "evaluate")

    _files.same(held_out(3), held_out(3))
    assert (held_out(3)[0]["image"] != held_out(4)[0]["image"]).any()


def test_a_general_config_still_holds_examples_out():
    inputter = digits.build(ImageClassificationInputterConfig())
    assert inputter.image_shape == (32, 32, 3)
    assert inputter.has_evaluation_data


def test_without_scikit_learn_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(MissingDependencyError, match="inputter `digits` needs the package `scikit-learn`"):
        digits.build(digits.Config()).get_num_samples()
