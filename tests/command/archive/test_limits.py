"""Tests of limits."""

from source.command.archive.limits import Limits


def test_the_largest_of_the_usual_data_sets_of_small_pictures_are_within_the_limits():
    assert Limits() == Limits(bytes=20_000_000_000, files=1_000_000)
