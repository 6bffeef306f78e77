"""Tests of `espalier list`."""

import argparse

import pytest

from source.command import list_plugins
from source.config import plugin
from source.config.errors import UnknownNameError


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
