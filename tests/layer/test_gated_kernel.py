"""Tests of `source.layer.gated_kernel`."""

import numpy as np
import pytest
from keras import ops

from source.config.errors import TrainingError
from source.layer.gated_kernel import GatedKernel
from source.layer.stochastic_gates import StochasticGates

W = np.arange(1.0, 13.0, dtype=np.float32).reshape(4, 3)
PLACES = np.asarray([1, -1, 0, 1])


def gates():
    found = StochasticGates([2], temperature=1.0)
    found.build((1,))
    found.built = True
    found.add_to_loss(lambda thresholds: 0.0)
    found.logits.assign([0.5, -1.5])
    return found


def built(of=None):
    layer = GatedKernel(0, name="gated")
    layer.build(W.shape)
    layer.built = True
    if of is not None:
        layer.read_through(of, PLACES)
    return layer


def array(x):
    return np.asarray(ops.convert_to_numpy(x))


def rows(mask):
    return np.asarray([mask[1], 1.0, mask[0], mask[1]], np.float32)[:, None]


@pytest.mark.parametrize("training", [True, False])
def test_rows_are_multiplied_by_the_gates_of_their_channels(training):
    of = gates()
    of(W, training=True)
    np.testing.assert_array_equal(array(built(of)(W, training=training)), W * rows(array(of.mask(training))))


def test_a_copy_knows_what_inference_saw_and_does_not_train():
    of = gates()
    layer = built(of)
    of.logits.assign([-3.0, 1.0])
    layer.save_own_variables({})
    copied = built()
    copied.line.assign(layer.line)
    np.testing.assert_array_equal(array(copied(W, training=False)), array(layer(W, training=False)))
    with pytest.raises(TrainingError, match=r"Layer `gated` does not know the gates that it reads through: call `comp"):
        copied(W, training=True)


@pytest.mark.parametrize("training", [True, False])
def test_what_is_settled_holds_once_gates_have_ended(training):
    of = gates()
    layer = built(of)
    layer.settle(np.asarray([0.5, 0.25], np.float32))
    of.ended.assign(True)
    layer.note()
    np.testing.assert_array_equal(array(layer(W, training=training)), W * rows([0.5, 0.25]))


def test_what_it_says_of_itself():
    assert built().description == "gated inputs"
    assert built().get_config() == {"name": "gated", "owner": "", "axis": 0}
    np.testing.assert_array_equal(array(built()(W, training=False)), W)
