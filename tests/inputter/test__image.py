"""Tests that images are recognised by content and decoded to the channels wanted, and that others are explained."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from source.inputter import _image
from tests.inputter._files import encoded, images

RGB = images(1, 6, 5)[0]
RGBA = images(1, 6, 5, 4)[0]
GREY = images(1, 6, 5, 1)[0]
SMOOTH = tf.image.resize(images(1, 4, 4)[0], (16, 16)).numpy().astype(np.uint8)


def decode(contents, depth=3):
    """Returns the pixels, decoded eagerly and inside `tf.data`, after comparing the two."""
    eager = _image.decode(tf.constant(contents), depth)
    dataset = tf.data.Dataset.from_tensors(contents).map(lambda bytes_: _image.decode(bytes_, depth))
    assert depth is None or dataset.element_spec.shape[-1] == depth
    inside = next(iter(dataset))
    np.testing.assert_array_equal(eager, inside)
    return eager.numpy()


def animated(kind, **options):
    buffer = io.BytesIO()
    frames = [Image.fromarray(RGB), Image.fromarray(255 - RGB)]
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:], **options)
    return buffer.getvalue()


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("BMP", {}), ("GIF", {}), ("WEBP", {"lossless": True})])
def test_lossless_formats_give_the_pixels_that_were_stored(kind, options):
    np.testing.assert_array_equal(decode(encoded(RGB, kind, **options)), RGB)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_lossy_formats_come_close(kind):
    contents = encoded(SMOOTH, kind, quality=95)
    reference = np.asarray(Image.open(io.BytesIO(contents)).convert("RGB")).astype(int)
    # JPEG is the same to the bit; WebP is rounded from one colour space to the other by two versions of libwebp.
    np.testing.assert_allclose(decode(contents), reference, atol=0 if kind == "JPEG" else 1)


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("WEBP", {"lossless": True, "exact": True}), ("BMP", {})])
def test_opacity_is_dropped_unless_wanted(kind, options):
    contents = encoded(RGBA, kind, **options)
    np.testing.assert_array_equal(decode(contents), RGBA[..., :3])
    np.testing.assert_array_equal(decode(contents, 4), RGBA)
    np.testing.assert_array_equal(decode(contents, None), RGBA)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "JPEG", "GIF"])
def test_grey_is_repeated_for_colour_and_kept_for_grey(kind):
    flat = np.full((6, 5, 1), 90, np.uint8)
    contents = encoded(flat, kind)
    np.testing.assert_array_equal(decode(contents), np.repeat(flat, 3, axis=-1))
    np.testing.assert_array_equal(decode(contents, 1), flat)
    np.testing.assert_array_equal(decode(contents, 4)[..., 3], 255)


def test_grey_with_opacity_keeps_both():
    buffer = io.BytesIO()
    Image.fromarray(np.concatenate([GREY, GREY // 2], axis=-1), "LA").save(buffer, "PNG")
    np.testing.assert_array_equal(decode(buffer.getvalue(), 1), GREY)
    expected = np.concatenate([GREY, GREY, GREY, GREY // 2], axis=-1)
    np.testing.assert_array_equal(decode(buffer.getvalue(), 4), expected)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "GIF"])
def test_colour_becomes_grey_by_luma(kind):
    flat = np.broadcast_to(np.array([200, 100, 40], np.uint8), (4, 4, 3))
    # 0.2989 * 200 + 0.587 * 100 + 0.114 * 40 = 123.04
    np.testing.assert_array_equal(decode(encoded(flat, kind), 1), np.full((4, 4, 1), 123))


@pytest.mark.parametrize("kind", ["P", "1"])
def test_palettes_and_single_bits_are_expanded(kind):
    buffer = io.BytesIO()
    Image.fromarray(RGB).convert(kind).save(buffer, "PNG")
    expected = np.asarray(Image.open(io.BytesIO(buffer.getvalue())).convert("RGBA"))
    np.testing.assert_array_equal(decode(buffer.getvalue()), expected[..., :3])
    np.testing.assert_array_equal(decode(buffer.getvalue(), 4), expected)


def test_sixteen_bits_keep_the_high_byte():
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    np.testing.assert_array_equal(decode(buffer.getvalue(), 1)[..., 0], values >> 8)


@pytest.mark.parametrize("depth", [1, 3, 4])
def test_cmyk_jpeg_becomes_rgb(depth):
    buffer = io.BytesIO()
    Image.fromarray(SMOOTH).convert("CMYK").save(buffer, "JPEG", quality=95)
    expected = _image.with_depth(tf.constant(SMOOTH), depth).numpy().astype(int)
    # Lossy in four channels: Pillow's own conversion of this file differs by up to 10.
    np.testing.assert_allclose(decode(buffer.getvalue(), depth), expected, atol=16)


def test_the_first_frame_of_a_gif_is_taken():
    np.testing.assert_array_equal(decode(animated("GIF")), RGB)


@pytest.mark.parametrize("depth", [None, 1, 3, 4])
def test_an_animated_webp_never_reaches_the_decoder(depth):
    with pytest.raises(tf.errors.InvalidArgumentError):
        _image.decode(tf.constant(animated("WEBP", lossless=True)), depth)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP"])
def test_a_truncated_file_is_refused_and_explained(kind):
    contents = encoded(images(1, 40, 40)[0], kind)
    for kept in (len(contents) // 2, 24, 9):
        with pytest.raises(tf.errors.InvalidArgumentError):
            _image.decode(tf.constant(contents[:kept]), 3)
    reason = _image.explain(contents[: len(contents) // 2], 3, 2)
    assert f"the {'WebP' if kind == 'WEBP' else kind} does not decode; the file may be truncated (" in reason


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        (b"", "the file is empty"),
        (
            b"path,label\na.png,3\n",
            "not an image: expected PNG, JPEG, WebP, BMP or GIF. Received: a file that begins with b'path,label\\na'",
        ),
        (animated("WEBP"), "an animated WebP: save its first frame as a picture of its own"),
        (
            encoded(RGB[:1, :1]),
            "the image has 1x1 pixels (height x width): expected at least min_image_side=2",
        ),
        (
            encoded(RGB[:1]),
            "the image has 1x5 pixels (height x width): expected at least min_image_side=2",
        ),
    ],
)
def test_what_is_no_usable_image_is_explained(contents, reason):
    assert _image.explain(contents, 3, 2) == reason


@pytest.mark.parametrize("depth", [1, 3, 4])
def test_a_good_image_needs_no_explanation(depth):
    for kind in ("PNG", "JPEG", "GIF", "BMP", "WEBP"):
        assert _image.explain(encoded(RGB, kind), depth, 2) is None


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_channels_of_a_batch_are_changed_like_those_of_an_image(channels):
    batch = images(3, depth=channels)
    for depth in (1, 3, 4):
        one_by_one = [_image.with_depth(tf.constant(image), depth) for image in batch]
        together = _image.with_depth(tf.constant(batch), depth)
        assert together.shape == (*batch.shape[:3], depth)
        np.testing.assert_array_equal(together, one_by_one)
