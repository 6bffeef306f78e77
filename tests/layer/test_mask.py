"""Tests of masks as transformations."""

import numpy as np
import pytest
import tensorflow as tf

from source.config.errors import ConfigError
from source.layer.mask import Mask
from tests.layer.kinds import equal

W = np.array([[1.0, -2.0, 3.0, -4.0], [5.0, 0.25, -0.5, 0.75]], np.float32)
KEPT = np.array([[True, False, True, False], [False, False, True, True]])


def mask(**settings) -> Mask:
    each = Mask("TOPK{0.5}", **settings)
    each.build(W.shape)
    each.built = True
    return each


def gradients(each: Mask) -> list:
    w = tf.Variable(W)
    with tf.GradientTape() as tape:
        y = each(w, training=True)
    return [None if g is None else np.asarray(g) for g in tape.gradient(y, [w, *each.trainable_variables], 2.0 * W)]


def test_a_mask_keeps_everything_at_first():
    assert equal(mask()(W), W)
    assert mask().kept.shape == W.shape and not mask().kept.trainable


def test_what_is_assigned_is_kept():
    each = mask()
    each.kept.assign(KEPT)
    assert equal(each(W), np.where(KEPT, W, 0.0).astype(np.float32))
    assert np.signbit(np.asarray(each(W))[~KEPT]).sum() == 0


def test_a_mask_of_every_call_follows_the_weight():
    each = Mask("BTOPK{2:4,-1}", refresh="every_call")
    each.build(W.shape)
    assert each.variables == []
    assert np.asarray(each(W) != 0).tolist() == [[False, False, True, True], [True, False, False, True]]
    assert np.asarray(each(W[:, ::-1]) != 0).tolist() == [[True, True, False, False], [True, False, False, True]]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [("masked", 2 * W * KEPT), ("ste", 2 * W), ("sr_ste", 2 * W + np.where(KEPT, 0, W * np.float32(2e-4)))],
)
def test_gradients_pass_by_the_rule(rule, expected):
    each = mask(rule=rule)
    each.kept.assign(KEPT)
    [found] = gradients(each)
    assert equal(found, expected.astype(np.float32))


def test_scores_learn_where_the_rule_says_so():
    for rule in ("supermask", "joint"):
        each = mask(rule=rule, learned_scores=True)
        each.kept.assign(KEPT)
        of_weight, of_scores = gradients(each)
        assert equal(of_scores, 2 * W * W)
        assert of_weight is None if rule == "supermask" else equal(of_weight, 2 * W * KEPT)
        assert each.passes_gradient is (rule == "joint")


def test_settings_that_do_not_belong_together_are_refused():
    with pytest.raises(ConfigError, match=r"`refresh` must be stored or every_call. Received: refresh='sometimes'."):
        mask(refresh="sometimes")
    for settings in ({"learned_scores": True}, {"rule": "joint"}):
        rule = settings.get("rule", "masked")
        message = rf"Scores are learned by rule supermask or joint, and only there. Received: rule='{rule}'."
        with pytest.raises(ConfigError, match=message):
            mask(**settings)


def test_the_pattern_names_the_mask():
    assert mask().description == str(mask().pattern)
    assert mask().code_bits is None
