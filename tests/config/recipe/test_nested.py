"""Tests of the settings of one plugin, and of members and rules in them."""

import pytest

from source.config.errors import ConfigError, UnknownNameError
from source.config.recipe.nested import check_plugin
from source.config.recipe.yaml_text import Located, Place, read_yaml


def check(name, text):
    named = Located(name, Place("named.yaml", 9))
    return check_plugin("compressor", name, read_yaml(text, "a.yaml"), named, ("compressor",))


def test_what_is_right_is_known():
    rules = "rules: [{match: {name: x}, do: skip}, {do: {sparsity: 0.5}}]"
    assert "sparsity" in check("magnitude_pruning", f"sparsity: 0.1\n{rules}").fields
    assert (
        "members" in check("chain", "members: [{name: magnitude_pruning, sparsity: 0.1}, {name: distillation}]").fields
    )
    assert "members" in check("chain", "members: '[{}]'").fields


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "magnitude_prunin",
            "{}",
            "named.yaml:9: compressor: `magnitude_prunin`: no plugin has this name. Did you mean `magnitude_pruning`?",
        ),
        (
            "magnitude_pruning",
            "sparsty: 1",
            "a.yaml:1: compressor.sparsty: unknown setting of `magnitude_pruning`. Did you mean `sparsity`?",
        ),
        ("magnitude_pruning", "sparsity: x", "a.yaml:1: compressor.sparsity: expected a number. Received: 'x'."),
        (
            "magnitude_pruning",
            "\nrules: [{match: {}}]",
            'a.yaml:2: compressor.rules.0: a rule needs `do`: settings, or "skip".',
        ),
        (
            "magnitude_pruning",
            "rules:\n- do: skip\n- doo: 1",
            "a.yaml:3: compressor.rules.1.doo: unknown setting of a rule. Did you mean `do`?",
        ),
        (
            "magnitude_pruning",
            "rules: [{do: skp}]",
            "a.yaml:1: compressor.rules.0.do: expected settings, or \"skip\". Received: 'skp'.",
        ),
        (
            "magnitude_pruning",
            "rules: [{do: {sparsity: x}}]",
            "a.yaml:1: compressor.rules.0.do.sparsity: expected a number. Received: 'x'.",
        ),
        (
            "chain",
            "members:\n- {sparsity: 1}",
            "a.yaml:2: compressor.members.0.name: expected the name of a compressor; see `espalier list compressor`. "
            "Received: None.",
        ),
        (
            "chain",
            "members:\n- name: distilation",
            "a.yaml:2: compressor.members.0: `distilation`: no plugin has this name. Did you mean `distillation`?",
        ),
        (
            "chain",
            "members:\n- name: distillation\n- {name: magnitude_pruning, sparsty: 1}",
            "a.yaml:3: compressor.members.1.sparsty: unknown setting of `magnitude_pruning`. Did you mean `sparsity`?",
        ),
    ],
)
def test_what_is_wrong_has_its_place(name, text, message):
    with pytest.raises((ConfigError, UnknownNameError)) as caught:
        check(name, text)
    assert str(caught.value) == message
