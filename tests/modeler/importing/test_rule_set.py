"""Tests of files of rules, the shipped ones among them."""

import pytest

from source.config.errors import ConfigError, UnknownNameError
from source.modeler.importing import rule_set


@pytest.mark.parametrize("name", rule_set.shipped())
def test_shipped_rules_can_be_read_and_say_how_they_are_used(name):
    rules = rule_set.load(name)
    assert rules.rules
    text = (rule_set._SHIPPED / f"{name}.yaml").read_text(encoding="utf-8")
    assert f"--rules {name} " in text
    assert text.startswith("# ")
    assert "# Pictures: " in text or "# Sounds: " in text


@pytest.mark.parametrize("known", ["resnet20_cifar10", "resnet20_cifar10.yaml"])
def test_shipped_rules_are_found_by_name(known):
    assert rule_set.load(known).network == "resnet20"


def test_a_file_goes_before_shipped_rules(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "resnet20_cifar10").write_text("input_shape: [1, 2, 3]")
    assert rule_set.load("resnet20_cifar10") == rule_set.RuleSet(input_shape=(1, 2, 3))


def test_rules_that_are_not_there_are_named_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"^rules `resnet20_cifar`: .* Did you mean `resnet20_cifar10`\?$"):
        rule_set.load("resnet20_cifar")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rules: [", "expected YAML"),
        ("- a", "expected a mapping with `rules`. Received: list."),
        ("rules: [{rename: 5}]", r"r\.yaml: rules\[1\]\.rename: expected a mapping"),
        ("rule: []", r"r\.yaml\.rule: unknown setting. Did you mean `rules`\?"),
        ("input_shape: [1, 2]", "`input_shape` must be three positive lengths"),
        ("rules: [!!python/object/apply:os.getcwd []]", "expected YAML"),
        ("[" * 5000, "expected YAML"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path, text, message):
    (tmp_path / "r.yaml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        rule_set.load(str(tmp_path / "r.yaml"))


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    (tmp_path / "r.yaml").write_bytes(bytes(1_000_001))
    with pytest.raises(ConfigError, match="this one has 1,000,001 bytes"):
        rule_set.load(str(tmp_path / "r.yaml"))
