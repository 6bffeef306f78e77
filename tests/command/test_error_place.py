"""Tests that messages get the place of the setting that they are about, once."""

import pytest

from source.command.error_place import located
from source.config.recipe.tree import expanded
from source.config.recipe.yaml_text import read_yaml

RECIPE = """\
learning_rate: -1
network:
  name: lenet5
  dropout: 2
compressor:
  name: chain
  members:
  - {name: magnitude_pruning, sparsity: 3}
  rules: [{match: {name: x}}]
callbacks:
  train_loss: {log_every_n_iter: 0}
exporters:
  packed: {axis: 1}
inputter: {name: digits, epochs: 0}
augmenter: normalize
"""


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("learning_rate: no.", "a.yaml:1: learning_rate: no."),
        ("`learning_rate` must be positive.", "a.yaml:1: `learning_rate` must be positive."),
        ("ModelerConfig: `learning_rate` must be positive.", "a.yaml:1: `learning_rate` must be positive."),
        ("network_options: `dropout` must be less.", "a.yaml:4: `network.dropout` must be less."),
        ("network_options.dropout: no.", "a.yaml:4: network.dropout: no."),
        ("network_options: unheard of.", "a.yaml:3: network: unheard of."),
        (
            "compressor_options: members[0]: Config: `sparsity` must be less.",
            "a.yaml:8: `compressor.members.0.sparsity` must be less.",
        ),
        ("members[0]: no.", "a.yaml:8: compressor.members.0: no."),
        ("rules[0].match: no layer.", "a.yaml:9: compressor.rules.0.match: no layer."),
        ("chain: distillation must be last.", "a.yaml:6: compressor: distillation must be last."),
        (
            "train_loss: `log_every_n_iter` must be more.",
            "a.yaml:11: `callbacks.train_loss.log_every_n_iter` must be more.",
        ),
        ("exporter_options.packed.axis: no.", "a.yaml:13: exporters.packed.axis: no."),
        ("`epochs` must be positive.", "a.yaml:14: `inputter.epochs` must be positive."),
        ("normalize: no.", "a.yaml:15: augmenter: no."),
        ("`unheard` must be positive.", "`unheard` must be positive."),
        ("data/x.npz: no such file.", "data/x.npz: no such file."),
        ("All is wrong.", "All is wrong."),
    ],
)
def test_a_message_gets_its_place(message, told):
    assert located(message, expanded(read_yaml(RECIPE, "a.yaml"))) == told
