"""Tests of switches of branches."""

import keras
import numpy as np

from source.layer.branch_switch import BranchSwitch

W = np.asarray([1.0, -2.0, np.nan], "float32")


def built() -> BranchSwitch:
    made = BranchSwitch("block/conv1")
    made.build(W.shape)
    made.built = True
    return made


def test_a_branch_is_there_at_first():
    made = built()
    np.testing.assert_array_equal(made(W), W)
    assert made.description == "branch"


def test_nothing_is_left_of_a_branch_that_is_off_whatever_it_was():
    made = built()
    made.on.assign(False)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(made(W)), [0.0, 0.0, 0.0])
    assert made.description == "no branch"


def test_the_branch_is_among_the_settings():
    assert BranchSwitch.from_config(built().get_config()).branch == "block/conv1"
