"""Tests of what channels pass through."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from source.layer.calibrated_quantize import CalibratedQuantize
from tests.graph.channels.looks import groups_of, made, output_of, steps


@pytest.mark.parametrize(
    "part",
    [
        layers.ReLU(),
        layers.MaxPooling2D(),
        layers.GlobalAveragePooling2D(),
        layers.Dropout(0.5),
        CalibratedQuantize(),
        ops.sigmoid,
        lambda x: keras.quantizers.fake_quant_with_min_max_vars(x, -1.0, 1.0),
        layers.Softmax(axis=1),
    ],
)
def test_channels_come_out_as_they_go_in(part):
    assert output_of(made(part)) == "made 0, made 1"
    assert (
        groups_of(
            made(part, layers.Conv2D(1, 1) if not isinstance(part, layers.GlobalAveragePooling2D) else layers.Dense(1))
        )[0]
        == "made: 2"
    )


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        (layers.Softmax(name="part"), "`part` makes each of them depend on the others"),
        (layers.Activation("softmax", name="part"), "`part` makes each of them depend on the others"),
        (ops.softmax, "`softmax` makes each of them depend on the others"),
        (layers.Rescaling(np.ones(2), name="part"), "`part` has a number for each of them"),
        (layers.UnitNormalization(name="part"), "`part` normalizes over all of them: without some, the others change"),
        (layers.Masking(name="part"), "`part` leaves out the steps at which all of them have a certain value"),
    ],
)
def test_what_knows_of_channels_says_so(part, reason):
    assert groups_of(steps(part, layers.Dense(1, name="read")))[0] == f"made: 2 | {reason}"


def test_channels_that_come_first_are_not_tied():
    model = made(layers.Permute((3, 1, 2)), layers.ReLU(), layers.MaxPooling2D(data_format="channels_first"))
    assert output_of(model) == "made 0, made 1"
