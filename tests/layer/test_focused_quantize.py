"""Tests of rounding about the means of two components: what is found when, what trains, what is frozen."""

import numpy as np
import pytest
import tensorflow as tf

from source.config.errors import ConfigError
from source.layer.focused_quantize import FocusedPortions, FocusedQuantize
from source.layer.transformation import copies_of
from source.numeric import number_format
from tests.layer.kinds import equal

draw = np.random.default_rng(0)
SIDES = np.where(draw.random((16, 16)) < 0.5, -4.0, 4.0) + draw.normal(size=(16, 16))
W = np.where(draw.random((16, 16)) < 0.5, 0.0, SIDES / 128).astype(np.float32)


def made(kind, *args, shape=W.shape, **settings):
    each = kind(*args, **settings)
    each.build(shape)
    each.built = True
    return each


@pytest.mark.parametrize("kind", [FocusedQuantize, FocusedPortions])
def test_nothing_changes_at_first(kind):
    each = made(kind)
    assert equal(each(W), W) and each.code_bits is None


@pytest.mark.parametrize("name", ["focused<5>", "focused<7>"])
def test_numbers_are_those_of_the_format(name):
    each = made(FocusedQuantize, name)
    each.refit(W)
    assert equal(each(W), number_format(name).round(W))
    assert np.array_equal(np.asarray(each(W)) == 0, W == 0)
    assert each.code_bits == number_format(name).bits
    assert each.scale_bytes(W.shape) == 17 + 4  # means, steps, whether there are two, and alpha
    assert each.description == f"{name} two means"


def test_one_side_is_rounded_about_zero():
    each = made(FocusedQuantize)
    x = draw.normal(size=W.shape).astype(np.float32)
    each.refit(x)
    assert equal(each(x), number_format("focused<5>").round(x)) and each.description == "focused<5> one mean"


def test_means_and_steps_stay_until_they_are_found_anew():
    each = made(FocusedQuantize)
    each.refit(W)
    before = each.focus.value()
    moved = W * np.float32(1.25)
    values = np.unique(np.abs(each(moved)))
    assert np.isin(
        values, np.unique(np.abs(number_format("focused<5>").round_fitted(tf.constant(moved), before)))
    ).all()
    each.refit(moved)
    assert equal(each(moved), number_format("focused<5>").round(moved))


def test_the_weight_and_the_scale_train():
    each = made(FocusedQuantize)
    each.refit(W)
    each.alpha.assign(2.0)
    x = tf.convert_to_tensor(W)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(each(x, training=True))
    of_x, of_alpha = tape.gradient(y, [x, each.alpha.value])
    assert equal(of_x, np.full_like(W, 2.0))
    # A sum of 256 float32.
    assert float(of_alpha) == pytest.approx(float(np.sum(number_format("focused<5>").round(W))), abs=1e-5)


def test_portions_are_frozen_with_the_means_of_the_first():
    each = made(FocusedPortions)
    x = W
    each.freeze(x, 0.5)
    expected = number_format("focused<5>").round(W)
    mask = np.asarray(each.frozen)
    assert (np.count_nonzero(W), mask.sum()) == (121, 61)
    assert np.abs(W)[mask].min() >= np.abs(W)[~mask].max()
    assert equal(np.asarray(each(W)), np.where(mask, expected, W))
    focus = each.focus.value()
    x = np.where(mask, 3 * W, W + np.sign(W) * np.float32(0.001)).astype(np.float32)
    assert equal(np.asarray(each(x))[mask], expected[mask])
    each.freeze(x, 1.0)
    assert equal(np.asarray(each(x))[mask], expected[mask])
    rest = number_format("focused<5>").round_fitted(tf.constant(x), focus)
    assert equal(np.asarray(each(x))[~mask], np.asarray(rest)[~mask])
    assert each.description == "focused<5> two means 1 frozen" and each.code_bits == 5


def test_the_scale_multiplies_frozen_and_free_numbers():
    each = made(FocusedPortions)
    each.freeze(W, 0.5)
    before = np.asarray(each(W))
    each.alpha.assign(2.0)
    assert equal(each(W), 2 * before)


@pytest.mark.parametrize("kind", [FocusedQuantize, FocusedPortions])
def test_a_copy_has_the_same_state(kind):
    each = made(kind, "focused<4>")
    each.refit(W) if kind is FocusedQuantize else each.freeze(W, 0.5)
    each.alpha.assign(0.5)
    [copied] = copies_of([each])
    assert copied.get_config() == each.get_config() and equal(copied(W), each(W))


@pytest.mark.parametrize("kind", [FocusedQuantize, FocusedPortions])
def test_other_formats_are_refused(kind):
    with pytest.raises(ConfigError, match=r'Expected a focused format such as "focused<5>". Received: int8.'):
        kind("int8")
