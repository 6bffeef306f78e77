"""Tests that channels are found in all of `keras.applications`, and that what is cut out of them was not needed."""

import gc

import keras
import numpy as np
import pytest

from source.graph.channel_groups import channel_groups
from source.surgery.channels import remove_channels
from tests.graph.channels.applications import APPLICATIONS, FAMILIES
from tests.graph.channels.cutting import largest_error, zero

# Tens of layers, each with sums over up to thousands of numbers in another order: 1.2e-7 a layer at most, added up.
DEEP_ROUNDING = 5e-6


@pytest.fixture(autouse=True)
def freed():
    """Frees each model before the next is made: the largest has 350 million numbers."""
    yield
    keras.backend.clear_session()
    gc.collect()


def application(name: str) -> keras.Model:
    return getattr(keras.applications, name)(weights=None)


def counts(model: keras.Model) -> tuple[int, int, int]:
    groups = channel_groups(model)
    return len(groups.flow.producers), len(groups.prunable), sum(len(group) for group in groups.prunable)


def test_there_are_no_other_applications():
    models = {name for name in vars(keras.applications) if callable(getattr(keras.applications, name))}
    assert models == set(APPLICATIONS)


@pytest.mark.slow
@pytest.mark.parametrize("name", APPLICATIONS)
def test_all_channels_are_found(name):
    assert counts(application(name)) == APPLICATIONS[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_a_third_of_every_group_is_cut_out(name):
    model = after_training(application(name))
    smaller = without_a_third(model)
    assert largest_error(model, smaller, length=96) <= DEEP_ROUNDING
    assert smaller.count_params() < 0.7 * model.count_params()


@pytest.mark.slow
def test_the_hidden_units_of_convnext_are_cut_out():
    model = after_training(application("ConvNeXtTiny"))
    assert largest_error(model, without_a_third(model), length=96) <= DEEP_ROUNDING


def without_a_third(model: keras.Model) -> keras.Model:
    """Returns the model without 30 % of each group that nobody has doubts about, which become zeros in the model."""
    rng = np.random.default_rng(0)
    groups = channel_groups(model)
    free = [group for group in groups.prunable if not group.doubts]
    removed = np.concatenate([rng.permutation(group.channels)[: int(0.3 * len(group))] for group in free])
    zero(groups, removed)
    return remove_channels(model, groups, removed)


def after_training(model: keras.Model) -> keras.Model:
    """Returns the model with statistics, scales and offsets that differ from channel to channel."""
    rng = np.random.default_rng(0)
    for variable in model.variables:
        if "variance" in variable.path or "gamma" in variable.path:
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
        elif "moving_mean" in variable.path or "beta" in variable.path or "bias" in variable.path:
            variable.assign(rng.normal(size=variable.shape) * 0.1)
    return model
