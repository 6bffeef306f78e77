"""Bytes of an image file to pixels, in the graph, and in words why some bytes are no usable image."""

import tensorflow as tf

FORMATS = "PNG, JPEG, WebP, BMP or GIF"
_OPAQUE = 255
_FLAGS_AT, _ANIMATED = 20, 2
_HEADS = {b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"RIFF": "WebP", b"BM": "BMP", b"GIF8": "GIF"}


def decode(contents: tf.Tensor, depth: int | None) -> tf.Tensor:
    """Returns the pixels of an encoded image, recognised by its content.

    Of an animated GIF the first frame is taken; an animated WebP is refused. 16-bit PNG keeps the high byte of each
    sample, `v >> 8`, which is exact for 16-bit files made from 8-bit ones. CMYK JPEG becomes RGB by c * k / 255 for
    each colour. Opacity is dropped unless `depth` is 4. Colour becomes grey as 0.2989 R + 0.587 G + 0.114 B.

    Args:
        contents: scalar string, the bytes of a PNG, JPEG, WebP, BMP or GIF file.
        depth: 1 (grey), 3 (RGB), 4 (RGB and opacity), or None for what the file has, from 1 to 4.

    Returns:
        uint8 (h, w, depth).

    Raises:
        tf.errors.InvalidArgumentError: when it runs, if the bytes are no such image; `explain` says why.
    """
    # Three channels are asked of the decoders themselves where they can: one operation instead of six.
    channels = 3 if depth == 3 else 0
    head = tf.strings.substr(contents, 0, 1)
    image = tf.switch_case(
        tf.cast(tf.equal(head, b"\xff"), tf.int32) + 2 * tf.cast(tf.equal(head, b"R"), tf.int32),
        [
            lambda: tf.io.decode_image(contents, channels=channels, expand_animations=False),
            # The accurate transform gives the pixels that Pillow gives; the default differs by up to 8.
            lambda: tf.io.decode_jpeg(contents, channels=channels, dct_method="INTEGER_ACCURATE"),
            lambda: _decode_webp(contents, depth),
        ],
    )
    image = tf.ensure_shape(image, (None, None, 3 if depth == 3 else None))
    return image if depth in (None, 3) else with_depth(image, depth)


def with_depth(images: tf.Tensor, depth: int) -> tf.Tensor:
    """Returns images of 1 (grey), 2 (grey, opacity), 3 (RGB) or 4 (RGB, opacity) channels with `depth` channels.

    Args:
        images: uint8 (..., h, w, c), c from 1 to 4, which may be unknown until it runs.
        depth: 1, 3 or 4.

    Returns:
        uint8 (..., h, w, depth).
    """
    channels = tf.shape(images)[-1]
    is_grey = channels <= 2
    if depth == 1:
        grey = tf.cond(is_grey, lambda: images[..., :1], lambda: _grey(images[..., :3]))
        return _with_last_axis(grey, 1)
    colour = tf.cond(
        is_grey, lambda: tf.repeat(images[..., :1], 3, axis=-1), lambda: _with_last_axis(images[..., :3], 3)
    )
    colour = _with_last_axis(colour, 3)
    if depth == 3:
        return colour
    opacity = tf.cond(
        tf.equal(channels % 2, 0),
        lambda: images[..., -1:],
        lambda: tf.fill(tf.concat([tf.shape(images)[:-1], [1]], 0), tf.constant(_OPAQUE, images.dtype)),
    )
    return tf.concat([colour, _with_last_axis(opacity, 1)], axis=-1)


def explain(contents: bytes, depth: int, min_side: int) -> str | None:
    """Returns why some bytes are no usable image, or None if they are one.

    Args:
        contents: the bytes of a file.
        depth: channels wanted: 1, 3 or 4.
        min_side: fewest pixels that either side may have.
    """
    if not contents:
        return "the file is empty"
    kind = next((name for head, name in _HEADS.items() if contents.startswith(head)), None)
    if kind is None:
        return f"not an image: expected {FORMATS}. Received: a file that begins with {contents[:12]!r}"
    if kind == "WebP" and contents[12:16] == b"VP8X" and len(contents) > _FLAGS_AT and contents[_FLAGS_AT] & _ANIMATED:
        return "an animated WebP: save its first frame as a picture of its own"
    try:
        height, width, _ = decode(tf.constant(contents), depth).shape
    except (tf.errors.InvalidArgumentError, ValueError) as error:
        return f"the {kind} does not decode; the file may be truncated ({_first_line(error)})"
    if min(height, width) < min_side:
        return f"the image has {height}x{width} pixels (height x width): expected at least min_image_side={min_side}"
    return None


def _decode_webp(contents: tf.Tensor, depth: int | None) -> tf.Tensor:
    """Returns the pixels of a WebP; an animated one is turned away.

    The bytes of an animation never reach the decoder, which writes four channels a pixel into memory for three.
    The flag stands in bit 1 of byte 20, if the first chunk is VP8X (RFC 9649, section 2.7).
    """
    # Shorter files are filled up: an operation that fails would quote the bytes in its message, which are no text.
    head = tf.io.decode_raw(tf.strings.substr(contents, 0, _FLAGS_AT + 1), tf.uint8)
    head = tf.ensure_shape(tf.pad(head, [[0, _FLAGS_AT + 1 - tf.size(head)]]), [_FLAGS_AT + 1])
    is_extended = tf.reduce_all(tf.equal(head[12:16], tf.constant(list(b"VP8X"), tf.uint8)))
    is_animated = is_extended & (tf.bitwise.bitwise_and(head[_FLAGS_AT], _ANIMATED) > 0)
    image = tf.io.decode_webp(tf.where(is_animated, b"", contents), channels=0)[0]
    return image[..., :3] if depth == 3 else image


def _grey(images: tf.Tensor) -> tf.Tensor:
    return tf.image.rgb_to_grayscale(_with_last_axis(images, 3))


def _with_last_axis(images: tf.Tensor, channels: int) -> tf.Tensor:
    return tf.ensure_shape(images, [*images.shape[:-1], channels])


def _first_line(error: Exception) -> str:
    message = str(error).splitlines()[0]
    return message.rpartition("}} ")[2].partition(" [Op:")[0].strip()
