"""Tests of what compressors of channels share: rules about groups, masks, and reports."""

import keras
import numpy as np
import pytest

from source.compressor.build import compressor
from source.compressor.channel_compressor import makes
from source.config.errors import ConfigError
from source.graph.channel_groups import ChannelGroups
from source.graph.cost import cost
from source.layer.channel_mask import ChannelMask
from source.layer.compressed import transformations_of
from tests.compressor import channel_models
from tests.compressor.channel_models import widths

AT_ONCE = {"schedule": "one_shot", "begin_step": 0}


def pruning(rules=(), **settings):
    return compressor("filter_pruning", **{**AT_ONCE, "rules": rules, **settings})


def group_of(pruned, name):
    [group] = [each for each in pruned.chosen(pruned.groups) if name in each.producers]
    return group


def test_masks_stand_on_all_that_makes_or_reads_a_channel_but_statistics():
    prepared = pruning().prepare(channel_models.plain())
    axes = {layer.name: {path: chain[0].axes for path, chain in layer.weight_chains.items()}
            for layer in prepared.layers if hasattr(layer, "weight_chains")}  # fmt: skip
    assert axes == {
        "first": {"kernel": (3,)},
        "norm": {"gamma": (0,), "beta": (0,)},
        "second": {"kernel": (2, 3)},
        "norm2": {"gamma": (0,), "beta": (0,)},
        "last": {"kernel": (0,)},
    }


def test_what_is_taken_out_is_masked_everywhere_and_comes_back():
    pruned = pruning()
    pruned.prepare(channel_models.residual())
    group = group_of(pruned, "stem")
    pruned.take_out(group.channels[[1, 3]])
    assert pruned.alive(group).tolist() == [True, False, True, False]
    assert pruned.alive(group_of(pruned, "inner")).all()
    found = [line for each in transformations_of(pruned.model) for line in each.kept.values()]
    assert sorted(keras.ops.convert_to_numpy(line).sum() for line in found) == [2] * 10 + [6] * 3
    pruned.take_out(group.channels[[0]])
    assert pruned.alive(group).tolist() == [False, True, True, True]


def test_sites_have_the_places_of_channels_in_their_group():
    pruned = pruning()
    pruned.prepare(channel_models.concatenated())
    found = {(site.path, site.axis): places.tolist() for site, places in pruned.sites_of(group_of(pruned, "narrow"))}
    assert found == {
        ("narrow", 3): [0, 1, 2, 3, 4, 5],
        ("narrow", 0): [0, 1, 2, 3, 4, 5],
        ("mix", 2): [-1] * 8 + [0, 1, 2, 3, 4, 5],
    }


def test_kernels_and_tables_make_channels_along_their_outputs():
    words = keras.Input((6,), dtype="int32")
    x = keras.layers.LSTM(4, name="lstm")(keras.layers.Embedding(16, 8, name="table")(words))
    groups = ChannelGroups(keras.Model(words, keras.layers.Dense(2, name="last")(x)))
    assert [(site.path, site.weight, site.axis) for site in groups.sites if makes(site, groups)] == [
        ("table", "embeddings", 1),
        ("lstm", "lstm_cell/kernel", 1),
        ("lstm", "lstm_cell/recurrent_kernel", 1),
        ("last", "kernel", 1),
    ]


def test_a_rule_about_one_layer_holds_for_all_that_go_with_it():
    model = channel_models.residual()
    skipping = pruning([{"match": {"name": "branch"}, "do": "skip"}])
    skipping.prepare(model)
    assert [group.name for group in skipping.chosen(skipping.groups)] == ["inner"]
    setting = pruning([{"match": {"name": "branch"}, "do": {"sparsity": 0.25}}])
    setting.prepare(model)
    setting.update(0)
    assert [int(setting.alive(group).sum()) for group in setting.chosen(setting.groups)] == [3, 3]


def test_rules_that_disagree_about_a_group_are_refused():
    rules = [{"match": {"name": name}, "do": {"sparsity": s}} for name, s in (("stem", 0.25), ("branch", 0.75))]
    message = (
        r"^rules: layers `stem` and `branch` make the same channels, so they need the same settings\. "
        r"Received: .*0\.25.* and .*0\.75"
    )
    with pytest.raises(ConfigError, match=message):
        pruning(rules).prepare(channel_models.residual())


@pytest.mark.parametrize(
    ("match", "message"),
    [
        ({"name": "norm0"}, r"rules\[0\]\.match: layer `norm0` makes no channels of its own\. Rules are about layers"),
        ({"name": "last"}, r"rules\[0\]\.match: the channels of `last` stay anyway: it is an output of the model\."),
        ({"weight": "kernel"}, r"rules\[0\]\.match: a rule about channels cannot name a `weight`\."),
        ({"type": ["ReLU"]}, r"rules\[0\]\.match: layer `re_lu.*` makes no channels of its own\."),
    ],
)
def test_a_rule_without_effect_is_refused(match, message):
    with pytest.raises(ConfigError, match=message):
        pruning([{"match": match, "do": "skip"}]).prepare(channel_models.residual())


def test_a_model_without_channels_that_may_go_is_refused_with_the_reasons():
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(2, name="only")(inputs), name="small")
    message = (
        r"^filter_pruning: no channel of model `small` may go\. `only`: it is an output of the model\. Look at the "
        r"rules that skip, and at `channel_groups\(model\)\.explain\(layer\)`\.$"
    )
    with pytest.raises(ConfigError, match=message):
        pruning().prepare(model)
    rules = [{"match": {"type": ["Conv2D"]}, "do": "skip"}]
    with pytest.raises(ConfigError, match=r"`stem \+ branch`: skipped by a rule\. `inner`: skipped by a rule"):
        pruning(rules).prepare(channel_models.residual())


def test_a_model_that_still_has_everything_is_not_finished():
    late = pruning(begin_step=7)
    prepared = late.prepare(channel_models.plain())
    with pytest.raises(ConfigError, match=r"no channel has been taken out: the first step that does is 7\."):
        late.finish(prepared)


def test_there_are_no_groups_before_there_is_a_model():
    with pytest.raises(ConfigError, match=r"^filter_pruning: there is no model yet"):
        pruning().groups  # noqa: B018 (the property raises)


@pytest.mark.parametrize("name", ["plain", "residual", "concatenated", "shared"])
def test_reports_tell_what_the_finished_model_has_and_costs(name):
    pruned = pruning(sparsity=0.4)
    prepared = pruned.prepare(getattr(channel_models, name)())
    pruned.update(0)
    notes, finished = pruned.report(prepared).notes, cost(pruned.finish(prepared))
    whole = cost(getattr(channel_models, name)())
    texts = []
    for label, what in (("parameters", "parameters"), ("MACs", "macs")):
        new, old = finished.total(what), whole.total(what)
        texts.append(f"{label}: {new:,} of {old:,} ({new / old:.2%})")
    assert notes[-1] == ", ".join(texts)
    assert "last: 2 channels stay: it is an output of the model" in notes


def test_reports_name_groups_in_words():
    pruned = pruning(sparsity=0.5, rules=[{"match": {"name": "inner"}, "do": "skip"}])
    prepared = pruned.prepare(channel_models.residual())
    pruned.update(0)
    report = pruned.report(prepared)
    assert report.notes[:2] == ("stem + branch: 2 of 4 channels kept", "inner: 6 channels stay: skipped by a rule")
    reasons = {(row.layer, row.weight): row.how for row in report.not_compressed}
    assert reasons["inner", "bias"] == "skipped by a rule"
    assert reasons["norm0", "moving_mean"] == "has no channels that may go"


def test_reports_count_the_bytes_of_what_is_cut():
    pruned = pruning(sparsity=0.5)
    prepared = pruned.prepare(channel_models.plain())
    pruned.update(0)
    rows = {(row.layer, row.weight): row.bytes for row in pruned.report(prepared).compressed}
    assert rows == {
        ("first", "kernel"): 4 * 3 * 2,
        ("norm", "gamma"): 4 * 2,
        ("norm", "beta"): 4 * 2,
        ("second", "kernel"): 4 * 2 * 2,
        ("norm2", "gamma"): 4 * 2,
        ("norm2", "beta"): 4 * 2,
        ("last", "kernel"): 4 * 2 * 2,
    }


def test_costs_that_are_not_known_are_told_so():
    inputs = keras.Input((None, None, 3))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 1, name="conv")(inputs))
    pruned = pruning()
    prepared = pruned.prepare(keras.Model(inputs, keras.layers.Dense(2)(x)))
    assert pruned.report(prepared).notes[-1].startswith("parameters and MACs are not known: ")


def test_shared_layers_and_nested_models_are_cut_once():
    model = channel_models.shared()
    pruned = pruning()
    prepared = pruned.prepare(model)
    masks = [each for each in transformations_of(prepared) if isinstance(each, ChannelMask)]
    assert len(masks) == 7  # kernel and bias of both convolutions, scale, offset, and the kernel of `last`
    pruned.update(0)
    finished = pruned.finish(prepared)
    assert widths(finished, "stem", "last") == [2, 2]
    assert widths(finished.get_layer("block"), "conv") == [2]
    x = np.random.default_rng(0).normal(size=(2, 4, 4, 3)).astype("float32")
    # Products are added in another order: float32 rounds numbers near 1 by 6e-8.
    np.testing.assert_allclose(finished(x), prepared(x), atol=1e-6)


def test_rounding_with_folded_normalization_comes_before_masks():
    members = [{"name": "filter_pruning", **AT_ONCE}, {"name": "quantize_aware"}]
    message = (
        r"Batch normalization `norm` has channels masked by filter_pruning, so it cannot be folded into the layer "
        r"before it\. Let rounding come before filter_pruning in the chain; or finish filter_pruning first, and "
    )
    with pytest.raises(ConfigError, match=message):
        compressor("chain", members=members).prepare(channel_models.plain())
    both = compressor("chain", members=members[::-1])
    x = np.random.default_rng(0).normal(size=(2, 4, 4, 3)).astype("float32")
    prepared = both.prepare(channel_models.plain(), x)
    both.update(0)
    finished = both.finish(prepared)
    assert widths(finished, "first", "second", "last") == [2, 2, 2]
    assert not any(isinstance(layer, keras.layers.BatchNormalization) for layer in finished.layers)
    np.testing.assert_array_equal(finished(x), prepared(x))
    apart = compressor("chain", members=[members[0], {**members[1], "fold_batch_norm": False}])
    apart.prepare(channel_models.plain())


def test_a_smaller_model_is_quantized_after_it_is_finished():
    pruned, rounding = pruning(), compressor("quantize_aware")
    prepared = pruned.prepare(channel_models.residual())
    pruned.update(0)
    x = np.random.default_rng(0).normal(size=(2, 4, 4, 3)).astype("float32")
    rounded = rounding.prepare(pruned.finish(prepared), x)
    finished = rounding.finish(rounded)
    assert widths(finished, "stem", "inner", "branch") == [2, 3, 2]
    np.testing.assert_array_equal(finished(x), rounded(x))
