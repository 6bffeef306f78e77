"""Tests of the mapping from a file to a model, and of everything that can be wrong with it."""

import numpy as np
import pytest

from source.config.errors import CheckpointError, ConfigError
from source.modeler.importing.plan import make_plan
from source.modeler.importing.rule import parse


def plan(arrays, targets, rules=(), **options):
    arrays = {name: np.asarray(array, np.float32) for name, array in arrays.items()}
    return make_plan(arrays, targets, parse(rules), **options)


def test_what_is_taken_dropped_and_left_is_told():
    made = plan(
        {"w": np.ones((2, 3)), "steps": 5, "head": np.ones(3)},
        {"d/kernel": (3, 2), "d/bias": (2,), "logits/kernel": (9,)},
        [{"rename": {"^w$": "d/kernel", "steps": None, "head": "logits/kernel"}}, {"permute": {"axes": [1, 0]}}],
        skip=("logits",),
        may_miss=("bias$",),
    )
    assert made.problems == ()
    assert list(made.arrays) == ["d/kernel"]
    assert [row.state for row in made.rows] == ["taken", "dropped", "skipped", "left as it is"]
    assert made.to_text() == (
        "source  shape  rules                       target         shape\n"
        "w       2x3    axes 1 0                    d/kernel       3x2\n"
        "steps   -      dropped by rules[1].rename                        dropped\n"
        "head    3                                  logits/kernel  9      skipped\n"
        "                                           d/bias         2      left as it is\n"
        "\n"
        "1 taken, 1 dropped, 1 skipped, 1 left as it is\n"
    )


@pytest.mark.parametrize(
    ("arrays", "rules", "problem"),
    [
        ({}, [], "`d/bias` (2,) of the model has no source."),
        ({"d/bias": [1]}, [], "`d/bias` (1,) becomes (1,), and `d/bias` is (2,)."),
        ({"d/bias": [1, np.nan]}, [], "`d/bias` has numbers that are not finite."),
        ({"d/bias": [1, 2], "d/bia": [3]}, [], "`d/bia`: the model has no such weight. Did you mean `d/bias`?"),
        (
            {"a": [1, 2], "b": [3, 4]},
            [{"rename": {"[ab]": "d/bias"}}],
            "`b` becomes `d/bias`, and so does an array before it.",
        ),
        (
            {"d/bias": [1, 2], "c": [3]},
            [{"rename": {"c": "d/k"}}],
            "`c` becomes `d/k`, and the model has no such weight. Known: d/bias.",
        ),
        (
            {"d/bias": [1, 2]},
            [{"rename": {"weight$": "kernel"}}],
            "rules[1].rename 'weight$' finds nothing to do; say `optional: true` if that is right.",
        ),
        (
            {"d/bias": [1, 2]},
            [{"permute": {"axes": [1, 0]}}],
            "rules[1].permute finds nothing to do; say `optional: true` if that is right.",
        ),
    ],
)
def test_every_problem_is_named(arrays, rules, problem):
    assert plan(arrays, {"d/bias": (2,)}, rules).problems == (problem,)


def test_a_rule_that_may_find_nothing_is_no_problem():
    rules = [{"rename": {"weight$": "kernel"}, "optional": True}]
    assert plan({"d/bias": [1, 2]}, {"d/bias": (2,)}, rules).problems == ()


def test_a_mapping_with_problems_is_refused_and_they_are_counted():
    made = plan({}, {f"d{number}": (1,) for number in range(5)})
    with pytest.raises(CheckpointError, match=r"^w\.npz: `d0` .* `d1` .* `d2` \(1,\) .* no source\. And 2 more\.$"):
        made.require_sound("w.npz")
    assert len(made.of_state("missing")) == 5


def test_patterns_of_what_may_miss_must_be_regular_expressions():
    with pytest.raises(ConfigError, match="may_miss: expected regular expressions"):
        plan({}, {"a": (1,)}, may_miss=("(",))
