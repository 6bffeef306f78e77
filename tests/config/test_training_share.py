"""Tests of steps that are given as shares of training."""

import pytest

from source.config.errors import ConfigError
from source.config.training_share import has_shares, in_steps, is_share


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("end_step", "50%", True),
        ("every_steps", " 2.5 % ", True),
        ("portion_steps", ["0%", 40], True),
        ("portion_steps", [10, 40], False),
        ("end_step", 50, False),
        ("end_step", "half", False),
        ("end_step", "-5%", False),
        ("sparsity", "50%", False),
        ("steps", "50%", False),
    ],
)
def test_a_share_is_a_percentage_of_something_that_counts_steps(name, value, expected):
    assert is_share(name, value) is expected


def test_shares_become_steps_at_any_depth_and_everything_else_stays():
    settings = {
        "members": (
            {"name": "magnitude_pruning", "end_step": "66%", "every_steps": "1%", "sparsity": 0.9},
            {"rules": [{"match": {"name": "a"}, "do": {"begin_step": "0%", "portion_steps": ["0%", "12.5%", 70]}}]},
        )
    }
    assert has_shares(settings)
    assert in_steps(settings, 200) == {
        "members": (
            {"name": "magnitude_pruning", "end_step": 132, "every_steps": 2, "sparsity": 0.9},
            {"rules": [{"match": {"name": "a"}, "do": {"begin_step": 0, "portion_steps": [0, 25, 70]}}]},
        )
    }
    assert settings["members"][0]["end_step"] == "66%"
    assert not has_shares(in_steps(settings, 200))


def test_a_share_above_nothing_is_a_step_at_least():
    assert in_steps({"every_steps": "1%", "begin_step": "0%"}, 10) == {"every_steps": 1, "begin_step": 0}


def test_more_than_the_whole_of_training_is_refused():
    with pytest.raises(
        ConfigError, match=r"^`end_step` must be at most 100%, the end of training\. Received: end_step='101%'\.$"
    ):
        in_steps({"end_step": "101%"}, 10)
