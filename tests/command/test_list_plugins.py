"""Tests of `espalier list`."""

import argparse

import pytest

from source.command import list_plugins, recipe_line
from source.config import plugin
from source.config.errors import UnknownNameError
from source.config.recipe.recipe import shipped_files


@pytest.fixture
def two_plugins(monkeypatch, tmp_path):
    """A room of two plugins: one that is a file of ours, one that came from elsewhere."""
    room = tmp_path / "network"
    room.mkdir()
    (room / "tiny.py").write_text('"""A network of one layer.\n\nMore about it.\n"""\nraise SystemExit("imported")\n')
    monkeypatch.setattr(list_plugins, "_SOURCE", tmp_path)
    monkeypatch.setattr(plugin, "available", lambda room: ["elsewhere", "tiny"] if room == "network" else [])


def test_all_rooms_that_hold_something_are_listed(two_plugins, capsys):
    assert list_plugins.run(argparse.Namespace(room=None)) == 0
    assert capsys.readouterr().out == "network: elsewhere, tiny\n"


def test_a_room_is_listed_with_the_first_line_of_each_docstring(two_plugins, capsys):
    assert list_plugins.run(argparse.Namespace(room="network")) == 0
    assert capsys.readouterr().out == "elsewhere\ntiny       A network of one layer.\n"


def test_an_empty_room_prints_nothing(two_plugins, capsys):
    assert list_plugins.run(argparse.Namespace(room="modeler")) == 0
    assert capsys.readouterr().out == ""


def test_an_installed_plugin_names_its_distribution(monkeypatch):
    point = argparse.Namespace(dist=argparse.Namespace(name="mylab"), value="mylab.nets.tiny")
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **query: [point])
    assert list_plugins.summary("network", "elsewhere") == "installed by mylab"


def test_an_unknown_room_offers_the_nearest():
    with pytest.raises(UnknownNameError, match=r"Did you mean `network`\?"):
        list_plugins.run(argparse.Namespace(room="netwrk"))


@pytest.mark.parametrize("room", plugin.ROOMS)
def test_every_plugin_says_what_it_is(room):
    silent = [name for name in plugin.available(room) if not list_plugins.summary(room, name)]
    assert silent == []


def rows_of(what, capsys):
    assert list_plugins.run(argparse.Namespace(room=what)) == 0
    return dict(line.split(None, 1) for line in capsys.readouterr().out.splitlines())


def test_shipped_recipes_have_the_first_sentence_of_their_comments(capsys):
    rows = rows_of("recipe", capsys)
    assert list(rows) == shipped_files()
    assert (
        rows["network/lenet5.yaml"] == "LeNet-5 as compression papers prune it: two convolutions and two dense layers."
    )
    assert not any(name.startswith("import/") for name in rows)


def test_a_sentence_may_go_over_lines(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("# One\n# two. Three\n#\n# four\na: 1\n")
    assert list_plugins.first_sentence(file) == "One two"
    file.write_text("a: 1\n# One\n")
    assert list_plugins.first_sentence(file) == ""


def test_actions_have_their_summaries(capsys):
    rows = rows_of("action", capsys)
    assert rows["show"] == "print the resolved recipe, and where each value came from"
    assert list(rows) == recipe_line.actions()


def test_formats_and_patterns_are_listed(capsys):
    rows = rows_of("format", capsys)
    assert {"int8<channel>", "nf4{size}", "NVFP4{size}", "TOPK{0.5}", "BTOPK{2:4,-1}", "DENSE"} <= set(rows)


def test_a_word_that_is_nearly_one_of_them_is_told():
    with pytest.raises(UnknownNameError, match=r"room `recipes`: there is no such room\. Did you mean `recipe`\?"):
        list_plugins.run(argparse.Namespace(room="recipes"))
