"""The fourteen operations of RandAugment on one uint8 image, in integers wherever Pillow's are.

Each is a pure function of the image and an amount in its own unit; `randaugment` turns a magnitude into
amounts. Enhancements blend with a degenerate image, `degenerate + factor * (image - degenerate)`, clipped and
truncated to uint8: factor 0 is the degenerate image, 1 the image, more than 1 its exaggeration.
"""

import math

import tensorflow as tf

_CODES = 256


def autocontrast(image: tf.Tensor) -> tf.Tensor:
    """Returns floor(255 * (x - low) / (high - low)) with each channel's least and greatest value.

    Args:
        image: uint8 (h, w, c).

    Returns:
        uint8 (h, w, c); a channel of one value stays as it is.
    """
    values = tf.cast(image, tf.int32)
    low = tf.reduce_min(values, axis=(0, 1))
    span = tf.reduce_max(values, axis=(0, 1)) - low
    stretched = (values - low) * 255 // tf.maximum(span, 1)
    return tf.where(span > 0, tf.cast(stretched, tf.uint8), image)


def equalize(image: tf.Tensor) -> tf.Tensor:
    """Returns the image with an evenly filled histogram, each channel for itself.

    Code i becomes min((step // 2 + number of pixels below i) // step, 255), where step is 1/255 of the number
    of pixels that do not have the greatest value; a channel whose step is 0 stays as it is.

    Args:
        image: uint8 (h, w, c).

    Returns:
        uint8 (h, w, c).
    """
    channels = image.shape[-1]
    # One histogram of 256 c codes, so that nothing is transposed: channel k counts from 256 k on.
    values = tf.reshape(tf.cast(image, tf.int32), (-1, channels))
    codes = values + _CODES * tf.range(channels)
    size = _CODES * channels
    counts = tf.math.bincount(tf.reshape(codes, (1, -1)), minlength=size, maxlength=size, axis=-1)
    greatest = tf.gather(counts[0], tf.reduce_max(codes, axis=0))
    step = (tf.shape(values)[0] - greatest)[:, tf.newaxis] // 255
    below = tf.cumsum(tf.reshape(counts, (channels, _CODES)), axis=1, exclusive=True)
    table = tf.minimum((step // 2 + below) // tf.maximum(step, 1), 255)
    table = tf.where(step > 0, table, tf.range(_CODES))
    equalized = tf.gather(tf.reshape(table, (-1,)), codes)
    return tf.cast(tf.reshape(equalized, tf.shape(image)), tf.uint8)


def solarize(image: tf.Tensor, threshold: int) -> tf.Tensor:
    """Returns x below the threshold and 255 - x from it on.

    Args:
        image: uint8 (h, w, c).
        threshold: 0 (inverts all) to 256 (changes nothing).
    """
    return tf.where(tf.cast(image, tf.int32) < threshold, image, 255 - image)


def posterize(image: tf.Tensor, bits: int) -> tf.Tensor:
    """Returns the image with only the upper bits of each value kept.

    Args:
        image: uint8 (h, w, c).
        bits: how many are kept, 0 to 8.
    """
    return tf.bitwise.bitwise_and(image, tf.constant(_CODES - (1 << (8 - bits)), tf.uint8))


def color(image: tf.Tensor, factor: tf.Tensor | float) -> tf.Tensor:
    """Returns the blend with the grey image; without three channels there is no colour to change.

    Args:
        image: uint8 (h, w, c).
        factor: at least 0; 1 changes nothing.
    """
    return _blend(_grey(image), image, factor) if image.shape[-1] == 3 else image


def contrast(image: tf.Tensor, factor: tf.Tensor | float) -> tf.Tensor:
    """Returns the blend with the mean of the grey image, rounded half up, everywhere.

    Args:
        image: uint8 (h, w, c).
        factor: at least 0; 1 changes nothing.
    """
    grey = tf.cast(_grey(image), tf.int64)
    count = tf.size(grey, tf.int64)
    mean = (2 * tf.reduce_sum(grey) + count) // (2 * count)
    return _blend(mean, image, factor)


def brightness(image: tf.Tensor, factor: tf.Tensor | float) -> tf.Tensor:
    """Returns the blend with black.

    Args:
        image: uint8 (h, w, c).
        factor: at least 0; 1 changes nothing.
    """
    return _blend(tf.constant(0, tf.uint8), image, factor)


def sharpness(image: tf.Tensor, factor: tf.Tensor | float) -> tf.Tensor:
    """Returns the blend with the image smoothed by the kernel (1 1 1; 1 5 1; 1 1 1) / 13, rounded half up.

    The smoothed image has the image's own pixels on its border.

    Args:
        image: uint8 (h, w, c) with static h and w.
        factor: at least 0; 1 changes nothing.
    """
    if min(image.shape[0], image.shape[1]) < 3:
        return image
    values = tf.cast(image, tf.int32)
    rows = values[:-2] + values[1:-1] + values[2:]
    sums = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:] + 4 * values[1:-1, 1:-1]
    border = [[1, 1], [1, 1], [0, 0]]
    inside = tf.pad(tf.ones_like(sums, tf.bool), border)
    return _blend(tf.where(inside, tf.pad((2 * sums + 13) // 26, border), values), image, factor)


def affine(image: tf.Tensor, coefficients: list[tf.Tensor | float], interpolation: str, fill: float) -> tf.Tensor:
    """Returns the image whose pixel centre (x, y) shows what the image has at (ax + by + c, dx + ey + f).

    Coordinates are continuous, with pixel centres at halves, as Pillow's.

    Args:
        image: uint8 (h, w, c).
        coefficients: a, b, c, d, e, f.
        interpolation: "nearest" or "bilinear".
        fill: value of what lies outside, 0 to 255.

    Returns:
        uint8 (h, w, c).
    """
    a, b, c, d, e, f = (tf.convert_to_tensor(number, tf.float32) for number in coefficients)
    half = 0.5  # TensorFlow counts from pixel centres
    shifted = [a, b, c + half * (a + b - 1.0), d, e, f + half * (d + e - 1.0), 0.0, 0.0]
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=image[tf.newaxis],
        transforms=tf.stack(shifted)[tf.newaxis],
        output_shape=tf.shape(image)[:2],
        interpolation=interpolation.upper(),
        fill_mode="CONSTANT",
        fill_value=tf.constant(fill, tf.float32),
    )[0]


def rotate(image: tf.Tensor, degrees: tf.Tensor | float, interpolation: str, fill: float) -> tf.Tensor:
    """Returns the image turned counter-clockwise about its centre; see `affine`.

    Args:
        image: uint8 (h, w, c) with static h and w.
        degrees: angle.
        interpolation: "nearest" or "bilinear".
        fill: value of what lies outside, 0 to 255.
    """
    radians = tf.convert_to_tensor(degrees, tf.float32) * (math.pi / 180.0)
    cosine, sine = tf.cos(radians), tf.sin(radians)
    y, x = image.shape[0] / 2.0, image.shape[1] / 2.0
    across = [cosine, -sine, x - cosine * x + sine * y]
    down = [sine, cosine, y - sine * x - cosine * y]
    return affine(image, [*across, *down], interpolation, fill)


def _grey(image: tf.Tensor) -> tf.Tensor:
    """Returns int32 (h, w, 1): ITU-R BT.601 luma in 16-bit fixed point for three channels, else the image."""
    values = tf.cast(image, tf.int32)
    if image.shape[-1] != 3:
        return values
    weighted = values * tf.constant([19595, 38470, 7471])  # 0.299, 0.587, 0.114 times 2^16
    return (tf.reduce_sum(weighted, axis=-1, keepdims=True) + 0x8000) // 0x10000


def _blend(degenerate: tf.Tensor, image: tf.Tensor, factor: tf.Tensor | float) -> tf.Tensor:
    degenerate, values = tf.cast(degenerate, tf.float32), tf.cast(image, tf.float32)
    blended = degenerate + factor * (values - degenerate)
    return tf.cast(tf.clip_by_value(blended, 0.0, 255.0), tf.uint8)
