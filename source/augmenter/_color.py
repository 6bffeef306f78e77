"""Light and colour: brightness, contrast, and the orders in which Inception's training distorts colours."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from source.augmenter import _fixed_order, random_key


def add_brightness(images: tf.Tensor, delta: tf.Tensor) -> tf.Tensor:
    """Returns `images + delta`, one delta an image, without clipping.

    Args:
        images: numbers (b, h, w, c).
        delta: float32 (b,), in the unit of the pixels.

    Returns:
        float32 (b, h, w, c).
    """
    return tf.cast(images, tf.float32) + delta[:, tf.newaxis, tf.newaxis, tf.newaxis]


def scale_contrast(images: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Returns `(images - mean) * factor + mean`, with each channel's mean in each image, unclipped.

    Args:
        images: numbers (b, h, w, c), with static h, w and c.
        factor: float32 (b,), at least 0; 1 changes nothing but roundings.

    Returns:
        float32 (b, h, w, c).
    """
    images = tf.cast(images, tf.float32)
    _, height, width, channels = images.shape
    pixels = tf.reshape(images, (-1, height * width, channels))
    mean = _fixed_order.mean_over_pixels(pixels)[:, tf.newaxis]
    scaled = (pixels - mean) * factor[:, tf.newaxis, tf.newaxis] + mean
    return tf.reshape(scaled, (-1, height, width, channels))


class ColorRanges(NamedTuple):
    """Lowest and highest value of each random change of colour.

    Attributes:
        brightness: what is added, on the scale from 0 to 1.
        saturation: factor of the saturation in HSV.
        hue: what is added to the hue, in full circles.
        contrast: factor of the difference to the channel's mean.
    """

    brightness: tuple[float, float]
    saturation: tuple[float, float]
    hue: tuple[float, float]
    contrast: tuple[float, float]


# The four orders of TF-Slim's Inception training; contrast and saturation do not commute with brightness and
# hue.
COLOR_ORDERS = (
    ("brightness", "saturation", "hue", "contrast"),
    ("saturation", "brightness", "contrast", "hue"),
    ("contrast", "hue", "brightness", "saturation"),
    ("hue", "saturation", "contrast", "brightness"),
)


def distort_colors(image: tf.Tensor, key: tf.Tensor, first_draw: int, ranges: ColorRanges) -> tf.Tensor:
    """Returns `image` after brightness, saturation, hue and contrast in one of the four `COLOR_ORDERS`.

    Saturation and hue are those of three channels; with another number only brightness and contrast change.

    Args:
        image: float32 (h, w, c) from 0 to 1, with static shape.
        key: uint64 scalar; draws `first_draw` (the order) to `first_draw + 4` are used: then one for each
            field of `ranges`, in the order of the fields.
        first_draw: integer >= 0.
        ranges: what the changes are drawn from, evenly.

    Returns:
        float32 (h, w, c), not clipped.
    """
    drawn = {
        name: random_key.uniform(key, first_draw + 1 + number, low, high)
        for number, (name, (low, high)) in enumerate(ranges._asdict().items())
    }
    changes: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
        "brightness": lambda x: x + drawn["brightness"],
        "contrast": lambda x: scale_contrast(x[tf.newaxis], drawn["contrast"][tf.newaxis])[0],
    }
    if image.shape[-1] == 3:
        changes["saturation"] = lambda x: tf.image.adjust_saturation(x, drawn["saturation"])
        changes["hue"] = lambda x: tf.image.adjust_hue(x, drawn["hue"])

    def in_order(order: tuple[str, ...]) -> tf.Tensor:
        changed = image
        for name in order:
            changed = changes[name](changed) if name in changes else changed
        return changed

    branches = [functools.partial(in_order, order) for order in COLOR_ORDERS]
    return tf.switch_case(random_key.integer(key, first_draw, 0, len(branches)), branches)
