"""Tests of the penalty on scales."""

import keras
import numpy as np
import pytest

from source.layer.compressed import Compressed
from source.layer.scale_penalty import ScalePenalty
from source.layer.transformation import copies_of

SCALES = np.array([0.5, -2.0, 4.0], "float32")


def built(strength=0.25, **settings):
    made = ScalePenalty(**settings)
    made.build((3,))
    made.built = True
    made.strength.assign(strength)
    return made


@pytest.mark.parametrize(
    ("settings", "expected"),
    [({}, 0.25 * 6.5), ({"places": [0, 1]}, 0.25 * 2.5), ({"places": []}, 0.0), ({"calls": 2}, 0.25 * 3.25)],
)
def test_adds_what_counts_to_the_loss(settings, expected):
    made = built(**settings)
    np.testing.assert_array_equal(made(SCALES, training=True), SCALES)
    assert [float(each) for each in made.losses] == [expected]


def test_adds_nothing_outside_of_training():
    made = built()
    np.testing.assert_array_equal(made(SCALES), SCALES)
    assert made.losses == []


def test_begins_without_strength():
    made = ScalePenalty()
    made.build((3,))
    assert float(made.strength) == 0.0


def test_a_copy_has_the_same_strength_and_places():
    [copied] = copies_of([built(places=[2], calls=3, owner="somebody")])
    assert (copied.places, copied.calls, copied.owner, float(copied.strength)) == ((2,), 3, "somebody", 0.25)
    assert copied.description == "l1 penalty"


def test_a_model_trains_its_scales_towards_zero():
    inputs = keras.Input((3,))
    wrapper = Compressed(keras.layers.BatchNormalization(name="norm"), weights={"gamma": [ScalePenalty(places=[0, 2])]})
    model = keras.Model(inputs, wrapper(inputs))
    wrapper.weight_chains["gamma"][0].strength.assign(0.5)
    model.compile(keras.optimizers.SGD(0.1), keras.losses.MeanSquaredError(reduction="sum"))
    x = np.zeros((4, 3), "float32")
    model.fit(x, x, epochs=2, batch_size=4, verbose=0)
    # The data has no gradient: each step takes 0.1 * 0.5 from the two scales that count.
    np.testing.assert_allclose(wrapper.layer.gamma, [0.9, 1.0, 0.9], rtol=1e-6)  # 2 roundings of float32
