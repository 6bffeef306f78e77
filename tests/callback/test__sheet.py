import numpy as np
import PIL.Image
import PIL.ImageFont
import pytest

from source.callback import _sheet


def grey(value, height=2, width=2):
    return np.full((height, width, 1), value, np.float32)


def test_stretches_an_image_to_the_whole_range():
    image = np.array([[[-1.0, 0.0, 1.0], [1.0, 1.0, -1.0]]], np.float32)
    assert _sheet.as_picture(image).tolist() == [[[0, 128, 255], [255, 255, 0]]]


def test_grey_becomes_three_equal_channels_and_opacity_is_left_out():
    assert _sheet.as_picture(np.array([[[0.0], [2.0]]])).tolist() == [[[0, 0, 0], [255, 255, 255]]]
    assert _sheet.as_picture(np.array([[[0.0, 2.0, 2.0, 99.0]]])).tolist() == [[[0, 255, 255]]]


def test_an_image_of_one_value_is_grey_and_what_is_not_finite_is_black():
    assert _sheet.as_picture(grey(7.0)).tolist() == [[[128] * 3] * 2] * 2
    assert _sheet.as_picture(np.array([[[0.0], [np.nan], [2.0]]]))[0, :, 0].tolist() == [0, 0, 255]
    assert _sheet.as_picture(grey(np.nan)).max() == 0


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 1, 1), (2, 2, 1), (4, 2, 2), (5, 3, 2), (36, 6, 6)])
def test_a_sheet_is_about_square(count, columns, rows):
    sheet = _sheet.draw([_sheet.Tile(grey(1.0), ("cat", "0.5"))] * count)
    assert sheet.size == (8 + columns * 168, 8 + rows * 204)


def test_small_pictures_keep_their_pixels_and_large_ones_are_shrunk():
    small = _sheet._fit(PIL.Image.new("RGB", (30, 28)))
    assert small.size == (150, 140)
    assert _sheet._fit(PIL.Image.new("RGB", (640, 320))).size == (160, 80)
    assert _sheet._fit(PIL.Image.new("RGB", (3200, 1))).size == (160, 1)


def test_the_pixels_of_a_picture_are_on_the_sheet():
    image = np.zeros((2, 2, 3), np.float32)
    image[0, 0] = (1.0, 0.0, 0.0)
    sheet = np.asarray(_sheet.draw([_sheet.Tile(image, ("",))]))
    assert sheet[8 + 10, 8 + 10].tolist() == [255, 0, 0]
    assert sheet[8 + 90, 8 + 90].tolist() == [0, 0, 0]
    assert sheet[2, 2].tolist() == [255, 255, 255]


def test_long_captions_end_where_the_next_tile_begins():
    font = PIL.ImageFont.load_default(14)
    text = _sheet._shorten("a very long name of a class that nobody can read", font)
    assert text.startswith("a very long") and text.endswith("…")
    assert font.getlength(text) <= 160
    assert _sheet._shorten("cat", font) == "cat"
