"""Tests of masks along the axes of channels."""

import keras
import numpy as np

from source.layer.channel_mask import ChannelMask
from source.layer.transformation import copies_of

W = np.arange(1.0, 13.0, dtype="float32").reshape(3, 4)


def built(*axes):
    made = ChannelMask(axes)
    made.build(W.shape)
    made.built = True
    return made


def test_everything_is_kept_at_first():
    np.testing.assert_array_equal(built(0, 1)(W), W)


def test_lines_along_several_axes_go():
    made = built(0, 1)
    made.kept[0].assign([True, False, True])
    made.kept[1].assign([False, True, True, False])
    np.testing.assert_array_equal(made(W), [[0, 2, 3, 0], [0, 0, 0, 0], [0, 10, 11, 0]])
    assert made.description == "channels 2 of 3 x 2 of 4"


def test_what_is_gone_is_zero_whatever_it_was():
    made = built(1)
    made.kept[1].assign([True, False, True, True])
    broken = np.where(np.arange(4) == 1, np.nan, W).astype("float32")
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(made(broken))[:, 1], 0.0)


def test_a_copy_has_the_same_lines():
    made = built(1)
    made.kept[1].assign([True, False, True, True])
    [copied] = copies_of([made])
    np.testing.assert_array_equal(copied(W), made(W))
    assert copied.axes == (1,)
    assert ChannelMask([0]).description == "channels"
