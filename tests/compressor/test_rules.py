"""Tests of rules: what they match, which wins, and what is wrong with one."""

import pytest
from keras import layers

from source.compressor.rules import Match, Rules
from source.config.errors import ConfigError
from source.config.settings import settings


@settings
class Width:
    """Settings of a test.

    Attributes:
        bits: of a number.
        signed: whether there is a sign.
    """

    bits: int = 8
    signed: bool = True


CONV, DENSE, LSTM = layers.Conv2D(2, 3, name="conv1"), layers.Dense(2, name="head"), layers.LSTM(2, name="memory")
EVERY = [(CONV, ["kernel", "bias"]), (DENSE, ["kernel", "bias"]), (LSTM, ["lstm_cell/kernel"])]


def rules(*given) -> Rules:
    return Rules(Width(), given)


def rule(do, **match) -> dict:
    return {"match": match, "do": do}


@pytest.mark.parametrize(
    ("match", "layer", "path", "expected"),
    [
        ({}, DENSE, None, True),
        ({}, DENSE, "bias", True),
        ({"name": "conv1"}, CONV, None, True),
        ({"name": "conv"}, CONV, None, False),
        ({"name": "conv."}, CONV, "kernel", True),
        ({"type": "Conv2D"}, CONV, None, True),
        ({"type": ["Dense", "Conv2D"]}, DENSE, None, True),
        ({"type": "Layer"}, DENSE, None, True),
        ({"type": "RNN"}, LSTM, None, True),
        ({"type": "Dense"}, CONV, None, False),
        ({"weight": "kernel"}, DENSE, "kernel", True),
        ({"weight": "kernel"}, DENSE, None, False),
        ({"weight": "kernel"}, LSTM, "lstm_cell/kernel", True),
        ({"weight": "lstm_cell/.*"}, LSTM, "lstm_cell/kernel", True),
        ({"weight": "kern"}, DENSE, "kernel", False),
        ({"name": "head", "type": "Conv2D"}, DENSE, None, False),
    ],
)
def test_everything_that_is_given_must_hold(match, layer, path, expected):
    read = Match(
        **{**match, "type": tuple([match["type"]] if isinstance(match.get("type"), str) else match.get("type", ()))}
    )
    assert read.holds(layer, path) is expected


def test_later_rules_override_earlier_ones_setting_by_setting():
    found = rules(
        rule({"bits": 4, "signed": False}, type="Dense"),
        rule({"bits": 2}, name="head"),
        rule({"bits": 3}, weight="bias"),
    )
    assert found.of(CONV) == Width()
    assert found.of(DENSE) == found.of(DENSE, "kernel") == Width(bits=2, signed=False)
    assert found.of(DENSE, "bias") == Width(bits=3, signed=False)
    assert found.of(CONV, "bias") == Width(bits=3)


def test_skip_is_undone_by_a_later_rule_only():
    assert rules(rule({"bits": 4}), rule("skip", name="head")).of(DENSE) is None
    assert rules(rule("skip", name="head"), rule({"bits": 4})).of(DENSE) == Width(bits=4)
    assert rules(rule("skip", weight="bias")).of(DENSE, "kernel") == Width()


def test_the_rule_that_names_a_weight_is_known():
    found = rules(
        rule({"bits": 4}, name="head"), rule({"bits": 3}, weight="bias"), rule("skip", name="conv1", weight="bias")
    )
    assert found.naming(DENSE, "bias") == "rules[1]"
    assert found.naming(DENSE, "kernel") is None
    assert found.naming(CONV, "bias") is None


def test_rules_that_match_are_accepted():
    rules(
        rule("skip", name="conv1"), rule({"bits": 2}, type="Dense", weight="bias"), rule({"bits": 2})
    ).check_all_match(EVERY)


@pytest.mark.parametrize(
    ("match", "message"),
    [
        ({"name": "conv2"}, r"rules\[0\].match: no layer is called `conv2`. Did you mean `conv1`\?"),
        ({"type": "Conv2d"}, r"rules\[0\].match: no layer is a `Conv2d`. Did you mean `Conv2D`"),
        (
            {"name": "head", "weight": "kernal"},
            r"rules\[0\].match: no weight is called so. Received: name='head', type=\(\), weight='kernal'.",
        ),
        ({"name": "head", "type": ["Conv2D"]}, r"no weight is called so. Received: name='head', type=\('Conv2D',\)"),
    ],
)
def test_a_rule_that_matches_nothing_is_refused(match, message):
    with pytest.raises(ConfigError, match=message):
        rules(rule("skip", **match)).check_all_match(EVERY)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"match": {}, "does": "skip"}, r"rules\[0\].does: unknown setting. Did you mean `do`\?"),
        ({"match": {}}, r"rules\[0\]: a rule needs `do`: settings, or \"skip\". Received: \{'match': \{\}\}."),
        ({"do": "drop"}, r"rules\[0\].do: expected a mapping of settings, or \"skip\". Received: 'drop'."),
        ({"do": {}}, r"rules\[0\].do: expected a mapping of settings, or \"skip\". Received: \{\}."),
        ({"do": {"bitz": 3}}, r"rules\[0\].do.bitz: unknown setting. Did you mean `bits`\?"),
        ({"do": {"bits": "many"}}, r"rules\[0\].do.bits: expected .*. Received: 'many'."),
        ({"match": {"nam": "x"}, "do": "skip"}, r"rules\[0\].match.nam: unknown setting. Did you mean `name`\?"),
        (
            {"match": {"name": "("}, "do": "skip"},
            r"rules\[0\].match: `name` is no regular expression: .*Received: '\('.",
        ),
        (
            {"match": {"weight": "["}, "do": "skip"},
            r"rules\[0\].match: `weight` is no regular expression: .*Received: '\['.",
        ),
    ],
)
def test_what_is_wrong_with_a_rule_is_said_with_its_place(given, message):
    with pytest.raises(ConfigError, match=message):
        rules(given)


def test_the_place_of_the_rules_is_named():
    with pytest.raises(ConfigError, match=r"members\[1\].rules\[0\].do: expected a mapping"):
        Rules(Width(), [{"do": 3}], "members[1].rules")
