"""Tests that channels are found in all of `keras.applications`."""

import gc

import keras
import pytest

from source.graph.channel_groups import channel_groups
from tests.graph.channels.applications import APPLICATIONS


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
