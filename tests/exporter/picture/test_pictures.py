"""Tests of folders of pictures."""

import matplotlib
import PIL.Image
import pytest

from source.config.errors import DataError
from source.exporter.picture.pictures import Pictures


def test_pictures_are_written_under_plain_names(tmp_path):
    with Pictures(tmp_path / "new") as pictures:
        figure = pictures.figure(2.0, 1.0)
        paths = [pictures.save(figure, name) for name in ("a/b c", "a_b_c", "../..", "é" * 300)]
    assert [path.name for path in paths[:3]] == ["a_b_c.png", "a_b_c_1.png", "picture.png"]
    assert len(paths[3].name) == 124 and paths == pictures.paths
    assert {path.parent for path in paths} == {tmp_path / "new"}
    with PIL.Image.open(paths[0]) as picture:
        assert picture.size == (300, 150)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(path.name for path in paths)


def test_the_same_figure_gives_the_same_svg(tmp_path):
    texts = []
    for name in ("a", "b"):
        with Pictures(tmp_path / name, "svg") as pictures:
            figure = pictures.figure(2.0, 1.0)
            figure.subplots().plot([0, 1], [1, 0])
            texts.append(pictures.save(figure, "line").read_text())
    assert texts[0] == texts[1] and texts[0].startswith("<?xml")


def test_the_style_ends_with_the_context(tmp_path):
    before = matplotlib.rcParams["font.size"]
    with Pictures(tmp_path):
        assert matplotlib.rcParams["font.size"] == 9
    assert matplotlib.rcParams["font.size"] == before


def test_a_folder_that_cannot_be_made_is_a_mistake(tmp_path):
    (tmp_path / "file").write_text("")
    with Pictures(tmp_path / "file") as pictures, pytest.raises(DataError, match="cannot be written: File exists"):
        pictures.save(pictures.figure(1.0, 1.0), "a")
