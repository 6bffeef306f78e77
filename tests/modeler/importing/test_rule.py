"""Tests of the single rules, on arrays of a few numbers."""

import numpy as np
import pytest

from source.config.errors import ConfigError
from source.modeler.importing.rule import Entry, parse


def entries(**arrays):
    return [Entry(name, np.shape(array), name, np.asarray(array)) for name, array in arrays.items()]


def applied(items, **arrays):
    made = entries(**arrays)
    for rule in parse(items):
        rule.apply([entry for entry in made if entry.name is not None])
    return {entry.name: entry.array for entry in made if entry.name is not None}


def test_renames_are_applied_in_order_to_the_name_of_the_moment():
    names = applied(
        [{"rename": {"^conv1": "conv2", "^conv0": "conv1", "weights$": "kernel"}}], conv0_weights=1, conv1=2
    )
    assert names == {"conv1_kernel": 1, "conv2": 2}


def test_null_drops_an_array():
    assert applied([{"rename": {"_batches$": None}}, {"rename": {"n": "m"}}], n_batches=1, n=2) == {"m": 2}


def test_a_replacement_can_add_to_a_number():
    names = applied([{"rename": {r"^block(\d+)_(\d+)": r"stage{\1+1}_{\2-2}"}}], block0_12=1, block9_2=2)
    assert names == {"stage1_10": 1, "stage10_0": 2}


def test_axes_are_permuted_by_name_and_rank_by_the_first_rule_that_takes_an_array():
    arrays = {
        "dw": np.zeros((8, 1, 3, 2)),
        "pw": np.zeros((4, 8, 3, 2)),
        "dense": np.zeros((5, 6)),
        "bias": np.zeros(7),
    }
    rules = [
        {"permute": {"match": "^dw", "axes": [2, 3, 0, 1]}},
        {"permute": {"axes": [2, 3, 1, 0]}},
        {"permute": {"axes": [1, 0]}},
    ]
    shapes = {name: array.shape for name, array in applied(rules, **arrays).items()}
    assert shapes == {"dw": (3, 2, 8, 1), "pw": (3, 2, 8, 4), "dense": (6, 5), "bias": (7,)}


@pytest.mark.parametrize("sizes", [{"c": 2, "h": 3, "w": 4}, {"h": 3, "w": 4}])
def test_inputs_of_a_dense_layer_are_reordered_from_chw_to_hwc(sizes):
    kernel = np.arange(24 * 5).reshape(24, 5)
    rule = {"reorder": {"match": "k", "from": ["c", "h", "w"], "to": ["h", "w", "c"], "sizes": sizes}}
    made = applied([rule], k=kernel)["k"]
    for c, h, w in np.ndindex(2, 3, 4):
        np.testing.assert_array_equal(made[(h * 4 + w) * 2 + c], kernel[(c * 3 + h) * 4 + w])


def test_another_axis_can_be_reordered():
    rule = {"reorder": {"match": "k", "from": ["a", "b"], "to": ["b", "a"], "sizes": {"a": 2}, "axis": 1}}
    np.testing.assert_array_equal(applied([rule], k=[[0, 1, 2, 3, 4, 5]])["k"], [[0, 3, 1, 4, 2, 5]])


def test_an_axis_can_be_reversed():
    np.testing.assert_array_equal(applied([{"flip": {"match": "k", "axis": 1}}], k=[[1, 2, 3]])["k"], [[3, 2, 1]])


def test_weights_are_multiplied_by_their_mask_which_is_used_up():
    made = applied([{"multiply": {"^(.)$": r"\1_mask"}}], a=[1.0, 2.0], a_mask=[True, False])
    assert list(made) == ["a"]
    np.testing.assert_array_equal(made["a"], [1, 0])


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"multiply": {"^a$": "b"}}, r"^rules\[1\]\.multiply: `a` \(2, 2\) times `b`: it is \(2,\)\.$"),
        ({"multiply": {"^a$": "c"}}, r"times `c`: there is no such array\.$"),
        ({"flip": {"match": "b", "axis": 1}}, r"^rules\[1\]\.flip\.axis: `b` has no axis 1\.$"),
        (
            {"reorder": {"match": "a", "from": ["c", "h"], "to": ["h", "c"], "sizes": {"c": 3}}},
            r"^rules\[1\]\.reorder\.sizes: 2 numbers of `a` are not 3 x \?\.$",
        ),
        (
            {"reorder": {"match": "b", "from": ["c", "h"], "to": ["h", "c"], "sizes": {"c": 1}, "axis": 1}},
            r"^rules\[1\]\.reorder\.axis: `b` has no axis 1: \(2,\)\.$",
        ),
    ],
)
def test_what_cannot_be_done_is_named(item, message):
    with pytest.raises(ConfigError, match=message):
        applied([item], a=np.zeros((2, 2)), b=np.zeros(2))


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({}, r"^rules\[1\]: expected one of rename, multiply, permute, reorder, flip\. Received: \[\]\.$"),
        ({"rename": {}, "flip": {}}, r"Received: \['rename', 'flip'\]"),
        ({"renam": {}}, r"^rules\[1\]\.renam: there is no such rule\. Did you mean `rename`\?$"),
        ({"rename": "a"}, r"^rules\[1\]\.rename: expected a mapping"),
        ({"rename": {}, "optional": "yes"}, "expected a mapping, and true or false for `optional`"),
        ({"rename": {"(": "a"}}, r"^rules\[1\]\.rename: expected a regular expression, and '\(' is none: "),
        ({"rename": {5: "a"}}, "expected a regular expression, and 5 is none"),
        ({"rename": {"a": r"\1"}}, r"'\\\\1' cannot replace 'a': invalid group reference"),
        ({"rename": {"a": 5}}, r"^rules\[1\]\.rename: 5 cannot replace 'a'"),
        ({"multiply": {"a": None}}, r"^rules\[1\]\.multiply: expected the name of an array to multiply by\.$"),
        ({"permute": {"axes": [0, 2]}}, r"^rules\[1\]\.permute: `axes` must be each axis once, from 0"),
        (
            {"permute": {"axes": [0, 1], "axs": 1}},
            r"^rules\[1\]\.permute\.axs: unknown setting\. Did you mean `axes`\?",
        ),
        ({"reorder": {}}, r"^rules\[1\]\.reorder\.\w+: Field required"),
        ({"reorder": {"match": "a", "form": ["c"]}}, r"reorder\.from: Field required"),
        ({"flip": {"match": "a", "axis": -1}}, r"`axis` must be at least 0"),
        (
            {"reorder": {"match": "a", "from": ["c", "h"], "to": ["h", "w"], "sizes": {"c": 1}}},
            r"^rules\[1\]\.reorder: `to` must be the names of \('c', 'h'\)",
        ),
        (
            {"reorder": {"match": "a", "from": ["c", "h", "w"], "to": ["h", "w", "c"], "sizes": {"h": 1}}},
            "`sizes` must be positive lengths of all axes but one",
        ),
    ],
)
def test_rules_that_cannot_be_are_refused(item, message):
    with pytest.raises(ConfigError, match=message):
        parse([item])
