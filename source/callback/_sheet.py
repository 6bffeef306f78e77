"""Draws a sheet of pictures with captions; opens no window."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

# Sides and distances in pixels: small pictures are enlarged to at least half the width of a tile.
_TILE_SIDE = 160
_MARGIN = 8
_LINE_HEIGHT = 18
_FONT_SIZE = 14


@dataclasses.dataclass(frozen=True)
class Tile:
    """A picture and what stands below it.

    Attributes:
        image: (h, w, c) of any range, as a network sees it; 1, 3 or 4 channels, the fourth is not shown.
        captions: lines of text.
    """

    image: np.ndarray
    captions: tuple[str, ...]


def draw(tiles: Sequence[Tile]) -> PIL.Image.Image:
    """Returns a sheet about as many tiles wide as high.

    Args:
        tiles: at least one; all with the same number of captions.
    """
    columns = math.ceil(math.sqrt(len(tiles)))
    rows = math.ceil(len(tiles) / columns)
    width = _TILE_SIDE + _MARGIN
    height = width + _LINE_HEIGHT * len(tiles[0].captions)
    sheet = PIL.Image.new("RGB", (_MARGIN + columns * width, _MARGIN + rows * height), "white")
    for position, tile in enumerate(tiles):
        row, column = divmod(position, columns)
        _draw_tile(sheet, tile, _MARGIN + column * width, _MARGIN + row * height)
    return sheet


def as_picture(image: np.ndarray) -> np.ndarray:
    """Returns the image stretched to the whole range [0, 255], as uint8 (h, w, 3).

    Preprocessing has taken mean and scale away; per image the smallest value becomes black and the largest
    white. What is not finite is black, and an image of one value is grey.

    Args:
        image: (h, w, c) with c of 1, 3 or 4.
    """
    colours = image[..., :3].astype(np.float64)
    finite = np.isfinite(colours)
    low, high = (colours[finite].min(), colours[finite].max()) if finite.any() else (0.0, 0.0)
    scaled = (colours - low) / (high - low) if high > low else np.full_like(colours, 0.5)
    whole = np.rint(255 * np.where(finite, scaled, 0.0)).astype(np.uint8)
    return np.broadcast_to(whole, (*whole.shape[:2], 3)).copy()


def _draw_tile(sheet: PIL.Image.Image, tile: Tile, left: int, top: int) -> None:
    picture = _fit(PIL.Image.fromarray(as_picture(tile.image)))
    indent = (_TILE_SIDE - picture.width) // 2
    sheet.paste(picture, (left + indent, top + _TILE_SIDE - picture.height))
    font = PIL.ImageFont.load_default(_FONT_SIZE)
    pen = PIL.ImageDraw.Draw(sheet)
    for line, caption in enumerate(tile.captions):
        place = (left, top + _TILE_SIDE + 2 + line * _LINE_HEIGHT)
        pen.text(place, _shorten(caption, font), fill="black", font=font)


def _fit(picture: PIL.Image.Image) -> PIL.Image.Image:
    """Enlarges by a whole factor, so that pixels stay visible, or shrinks smoothly."""
    longest = max(picture.size)
    if longest > _TILE_SIDE:
        width, height = (max(1, side * _TILE_SIDE // longest) for side in picture.size)
        return picture.resize((width, height), PIL.Image.Resampling.BOX)
    factor = _TILE_SIDE // longest
    return picture.resize((picture.width * factor, picture.height * factor), PIL.Image.Resampling.NEAREST)


def _shorten(text: str, font: PIL.ImageFont.FreeTypeFont | PIL.ImageFont.ImageFont) -> str:
    """Cuts the text off where the next tile begins."""
    if font.getlength(text) <= _TILE_SIDE:
        return text
    while text and font.getlength(text + "…") > _TILE_SIDE:
        text = text[:-1]
    return text + "…"
