"""Tests of the action `show`."""

import pytest

from source.command import recipe_line
from source.command.action import show
from source.command.session import Session
from source.config.errors import ConfigError
from source.config.recipe.tree import plain
from source.config.recipe.yaml_text import read_yaml


def shown(capsys, *words):
    made = Session()
    for word in words:
        made.add_setting(word) if "=" in word else made.add_file(word)
    try:
        show.run(made)
    finally:
        made.printed = capsys.readouterr().out
    return made


def test_every_value_has_its_place(capsys, monkeypatch):
    monkeypatch.delenv("OUTPUT_DIR", raising=False)
    lines = shown(capsys, "data/digits.yaml", "network=lenet5", "seed=3").printed.splitlines()
    assert "seed: 3                               # command line" in lines
    assert "output_dir: runs                      # default" in lines
    [name] = [line for line in lines if line.startswith("  name: image_classification_modeler")]
    assert name.rpartition("# ")[2].startswith("default.yaml:")


def test_what_is_printed_is_a_recipe_of_the_same_meaning(capsys):
    made = shown(
        capsys,
        "data/digits.yaml",
        "network=lenet5",
        "inputter.class_names=['a: b', 'c, d', '#e', '1', \"f\\ng\"]",
        "compressor={name: chain, members: [{name: magnitude_pruning, rules: [{match: {name: x}, do: skip}]}]}",
        "callbacks={}",
    )
    assert plain(read_yaml(made.printed, "shown")) == plain(made.resolved)
    assert "  class_names: ['a: b', 'c, d', '#e', '1', \"f\\ng\"]" in made.printed


def test_what_is_wrong_is_told_after_what_is_there(capsys):
    with pytest.raises(ConfigError, match=r"^command line: lerning_rate: no part of this recipe has this setting\."):
        recipe_line.run(["data/digits.yaml", "network=lenet5", "lerning_rate=1", "show"])
    assert "lerning_rate: 1 " in capsys.readouterr().out
