"""Tests of dynamic fixed point."""

import keras
import numpy as np
import pytest

from source.config.errors import ConfigError
from source.numeric.dynamic_fixed_point import DynamicFixedPoint
from source.numeric.fixed_point import FixedPoint
from tests.numeric.formats import MIXED


@pytest.mark.parametrize(("width", "overflow", "point"), [(8, 0.0, 4), (8, 0.1, 3), (4, 0.0, 4), (4, 0.2, 2)])
def test_golden_points(width, overflow, point):
    numeric = DynamicFixedPoint(width, overflow)
    assert int(numeric.point(keras.ops.convert_to_tensor(MIXED))) == point
    fixed = FixedPoint(width, width - point, symmetric=False)
    assert np.array_equal(numeric.round(MIXED), fixed.round(MIXED))


def test_the_point_is_stored_in_a_byte():
    data = DynamicFixedPoint(8).encode(MIXED)
    assert data[0] == 127 - 4
    assert len(data) == 1 + MIXED.size


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"width": 17}, r"`width` must be in \[2, 16\]. Received: width=17."),
        ({"width": 8, "overflow": 1.5}, r"`overflow` must be in \[0, 1\]. Received: overflow=1.5."),
    ],
)
def test_impossible_formats_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        DynamicFixedPoint(**settings)
