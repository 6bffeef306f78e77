"""Tests of what is said of a data set that was found."""

from source.command.starter.found import Found, Shapes, shapes_of
from tests.command.starter.data import picture


def test_sizes_and_channels_are_read_from_pictures(tmp_path):
    picture(tmp_path / "a.png", 40, 60, "L")
    picture(tmp_path / "b.jpg", 50, 30, "L")
    shapes = shapes_of([tmp_path / "a.png", tmp_path / "b.jpg"])
    assert shapes == Shapes(sizes=[(40, 60), (50, 30)], depth=1)
    assert (shapes.shorter, shapes.are_equal) == (35, False)


def test_one_picture_in_colour_makes_all_coloured(tmp_path):
    picture(tmp_path / "a.png", mode="L")
    picture(tmp_path / "b.png", mode="RGB")
    assert shapes_of(sorted(tmp_path.iterdir())).depth == 3


def test_what_is_no_picture_is_named(tmp_path):
    picture(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"not a picture")
    assert shapes_of(sorted(tmp_path.iterdir())).broken == (str(tmp_path / "b.png"),)
    assert shapes_of([tmp_path / "b.png"]) is None


def test_a_few_of_many_are_looked_at(tmp_path):
    picture(tmp_path / "a.png")
    assert len(shapes_of([tmp_path / "a.png"] * 1000).sizes) == 200


def test_pictures_are_counted():
    shapes = Shapes(sizes=[(8, 8)], depth=3)
    found = Found(inputter="x", train="t", classes=("a", "b"), counts={"a": (3, 1), "b": (4, 2)}, shapes=shapes)
    assert (found.num_train, found.num_evaluate) == (7, 3)
