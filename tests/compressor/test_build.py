"""Tests of making a compressor by its name."""

import pytest

from source.compressor.build import compressor
from source.compressor.magnitude_pruning import MagnitudePruning
from source.config.errors import ConfigError, UnknownNameError


def test_a_name_and_settings_make_a_compressor():
    found = compressor("magnitude_pruning", sparsity=0.5, rules=[{"match": {"name": "a"}, "do": "skip"}])
    assert isinstance(found, MagnitudePruning)
    assert found.config.sparsity == 0.5 and found.name == "magnitude_pruning"


def test_a_dotted_path_names_a_module():
    assert isinstance(compressor("source.compressor.magnitude_pruning"), MagnitudePruning)


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"Did you mean .*`magnitude_pruning`"):
        compressor("magnitude_prunning")


def test_helpers_of_the_room_are_no_compressors():
    with pytest.raises(UnknownNameError):
        compressor("report")


def test_settings_are_checked_and_named():
    with pytest.raises(ConfigError, match=r"magnitude_pruning.sparsty: unknown setting. Did you mean `sparsity`"):
        compressor("magnitude_pruning", sparsty=0.5)
    with pytest.raises(ConfigError, match=r"`sparsity` must be between 0 and 1. Received: sparsity=3.0."):
        compressor("magnitude_pruning", sparsity=3)


def test_what_is_no_name_is_refused():
    with pytest.raises(ConfigError, match=r"such as `magnitude_pruning`\. Received: 3"):
        compressor(3)
