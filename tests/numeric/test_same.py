"""Tests of the format that changes nothing."""

from source.numeric.same import Same
from tests.numeric.formats import hard_numbers


def test_every_bit_stays():
    x = hard_numbers()
    assert Same().round(x).tobytes() == x.tobytes()
    assert Same().encode(x) == x.tobytes()
    assert Same().decode(x.tobytes(), x.shape).tobytes() == x.tobytes()
