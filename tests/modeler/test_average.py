import keras
import numpy as np
import pytest

from source.modeler import _average


@pytest.fixture
def weight():
    return keras.Variable(np.float32([1, 2]), name="w")


def test_three_steps_by_the_formula(weight):
    average = _average.WeightAverage(0.75, {"w": weight})
    expected = np.array([1.0, 2.0])
    for value in ([5.0, 6.0], [9.0, -2.0], [1.0, 0.0]):
        weight.assign(value)
        average.update()
        expected = 0.75 * expected + 0.25 * np.array(value)
    # All numbers are sums of few powers of two, so nothing is rounded.
    np.testing.assert_array_equal(average.variables["w"].numpy(), expected)


def test_a_weight_that_rests_is_its_own_average(weight):
    weight.assign([0.1, 1e-30])
    average = _average.WeightAverage(0.999, {"w": weight})
    average.update()
    np.testing.assert_array_equal(average.variables["w"].numpy(), weight.numpy())


def test_reset_forgets_the_past(weight):
    average = _average.WeightAverage(0.9, {"w": weight})
    weight.assign([7, 8])
    average.reset()
    np.testing.assert_array_equal(average.variables["w"].numpy(), [7, 8])


def test_the_weights_return_when_the_block_fails(weight):
    average = _average.WeightAverage(0.9, {"w": weight})
    weight.assign([7, 8])

    def evaluate():
        with average.swapped_in():
            np.testing.assert_array_equal(weight.numpy(), [1, 2])
            raise KeyError

    with pytest.raises(KeyError):
        evaluate()
    np.testing.assert_array_equal(weight.numpy(), [7, 8])
