"""Tests of the mask that a threshold makes."""

import keras
import numpy as np
import pytest

from source.config.errors import ConfigError
from source.layer.surgery_mask import SurgeryMask
from source.layer.transformation import copies_of

W = np.array([1, -2, 3, -4, -5, 6, -7, 8], "float32")  # mean of magnitudes 4.5, deviation sqrt(5.25)


def built(**settings):
    made = SurgeryMask(**settings)
    made.build((8,))
    made.built = True
    return made


def kept(made):
    return keras.ops.convert_to_numpy(made.kept).astype(int).tolist()


def test_everything_is_kept_at_first():
    np.testing.assert_array_equal(built()(W), W)


def test_a_threshold_prunes_below_and_splices_above():
    made = built(alpha=0.0)
    made.splice(W, 0.0)  # off at 4.05, on above 4.95
    assert kept(made) == [0, 0, 0, 0, 1, 1, 1, 1]
    np.testing.assert_array_equal(made(W), [0, 0, 0, 0, -5, 6, -7, 8])
    made.splice(np.array([1, 2, 3, 4.7, 4.2, 6, 7, 8.1], "float32"), 0.0)
    assert kept(made) == [0, 0, 0, 0, 1, 1, 1, 1]
    made.splice(np.array([5.2, 2, 3, 4.7, 4.0, 6, 7, 4.1], "float32"), 0.0)
    assert kept(made) == [1, 0, 0, 0, 0, 1, 1, 1]


def test_a_density_becomes_a_threshold_with_room_for_what_is_kept():
    made = built()
    made.splice_to(W, 0.25)
    assert kept(made) == [0, 0, 0, 0, 0, 0, 1, 1]
    swapped = np.array([7.3, 7, 3, 4, 5, 8.9, 6, 8], "float32")  # 6 * 1.1 / 0.9 is 7.33, 8 * 1.1 / 0.9 is 9.78
    made.splice_to(swapped, 0.375)
    assert kept(made) == [0, 0, 0, 0, 0, 1, 1, 1]
    swapped[0] = 7.4
    made.splice_to(swapped, 0.375)
    assert kept(made) == [1, 0, 0, 0, 0, 1, 0, 1]
    made.splice_to(swapped, 0.5)
    assert kept(made) == [1, 1, 0, 0, 0, 1, 0, 1]  # of pruned ones, 7 is above 6


def test_the_largest_can_be_kept_exactly():
    made = built()
    made.splice(W, 0.0)
    made.keep_exactly(-W, 0.375)
    assert kept(made) == [0, 0, 0, 0, 0, 1, 1, 1]


def test_copies_have_the_settings_and_the_mask():
    made = built(pattern="TOPK{0.25}", rule="masked", alpha=0.5, on_factor=1.2, off_factor=0.8)
    made.splice(W, 0.0)
    [copied] = copies_of([made])
    assert kept(copied) == kept(made)
    assert copied.get_config() == made.get_config()
    names = ("rule", "alpha", "on_factor", "off_factor")
    assert [getattr(copied, name) for name in names] == ["masked", 0.5, 1.2, 0.8]


def test_it_is_called_after_what_decides():
    assert built(alpha=0.5).description == "surgery alpha=0.5"
    assert built(pattern="TOPK{0.25}").description == "surgery TOPK{0.25}"


def test_factors_without_room_between_are_refused():
    with pytest.raises(ConfigError, match="`off_factor` must be positive and at most `on_factor`"):
        built(on_factor=0.5).splice(W, 0.0)
