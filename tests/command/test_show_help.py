"""Tests of `espalier help ROOM.NAME`."""

import argparse
import dataclasses
import types

import pytest

from source.command import show_help
from source.command.parser import UsageError
from source.config import plugin
from source.config.errors import UnknownNameError


@dataclasses.dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """What every network knows.

    Attributes:
        num_classes: width of the output.
    """

    num_classes: int = 10


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(NetworkConfig):
    """What this one knows.

    Attributes:
        depth: layers, at least one, and so on and so forth.
    """

    depth: int


@pytest.fixture
def module():
    return types.SimpleNamespace(__doc__="A plain network.", Config=Config)


def test_the_text_has_own_settings_first_then_shared_ones(module):
    assert show_help.module_text("network.plain", module, width=40) == (
        "network.plain\n"
        "\n"
        "A plain network.\n"
        "\n"
        "Settings\n"
        "  depth: int\n"
        "      layers, at least one, and so on\n"
        "      and so forth.\n"
        "\n"
        "Settings shared through NetworkConfig\n"
        "  num_classes: int = 10\n"
        "      width of the output."
    )


def test_a_module_without_config_says_so():
    text = show_help.module_text("network.bare", types.ModuleType("bare", "Bare."), width=40)
    assert text == "network.bare\n\nBare.\n\nIt has no settings."


def test_a_plugin_of_ours_is_read_from_its_source(capsys):
    assert show_help.run(argparse.Namespace(plugin="network.lenet5")) == 0
    assert capsys.readouterr().out == (
        "network.lenet5\n"
        "\n"
        "LeNet-5 in the form that compression papers prune: two convolutions, two dense layers.\n"
        "\n"
        "Settings\n"
        "  dropout: float = 0.5\n"
        "      share of the flattened features dropped in training, from 0 to below 1.\n"
        "\n"
        "Settings shared through NetworkConfig\n"
        "  num_classes: int = 10\n"
        "      width of the output, at least 1.\n"
    )


@pytest.mark.parametrize("room", [room for room in plugin.ROOMS if plugin.available(room)])
def test_every_plugin_of_ours_has_help(room, capsys):
    for name in plugin.available(room):
        assert show_help.run(argparse.Namespace(plugin=f"{room}.{name}")) == 0
        assert capsys.readouterr().out.startswith(f"{room}.{name}\n\n")


def test_help_of_an_action_says_what_else_can_be_said(capsys):
    assert show_help.run(argparse.Namespace(plugin="train")) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("usage: espalier [FILE.yaml | key=value]... train\n\nTrains to the last step")
    assert "output_dir=FOLDER" in printed
    assert "espalier train --help" not in printed


def test_help_of_a_word_that_is_a_command_too_says_so(capsys):
    show_help.run(argparse.Namespace(plugin="export"))
    last = "`espalier export --help` shows the command that takes arguments of its own."
    assert capsys.readouterr().out.splitlines()[-1] == last


def test_help_of_a_command_says_where_it_is(capsys):
    show_help.run(argparse.Namespace(plugin="env"))
    text = "env: show versions and devices. `espalier env --help` shows what it takes.\n"
    assert capsys.readouterr().out == text


def test_the_plugin_is_resolved_by_room_and_name(monkeypatch, capsys, module):
    monkeypatch.setattr(show_help, "plugin_fields", lambda room, name: None)
    monkeypatch.setattr(plugin, "resolve", lambda room, name: {("network", "my.lab.plain"): module}[room, name])
    assert show_help.run(argparse.Namespace(plugin="network.my.lab.plain")) == 0
    assert capsys.readouterr().out.startswith("network.my.lab.plain\n\nA plain network.\n")


def test_a_name_without_room_offers_it_with_its_room(monkeypatch):
    monkeypatch.setattr(plugin, "available", lambda room: ["plain"] if room == "network" else [])
    with pytest.raises(UsageError, match=r"Received: plain\. Did you mean `network\.plain`\?$"):
        show_help.run(argparse.Namespace(plugin="plain"))


def test_a_room_without_name_points_to_the_list():
    with pytest.raises(UsageError, match=r"Received: network\. `espalier list network` shows its plugins\.$"):
        show_help.run(argparse.Namespace(plugin="network"))


def test_a_misspelt_name_without_room_offers_the_nearest(monkeypatch):
    monkeypatch.setattr(plugin, "available", lambda room: ["plain"] if room == "network" else [])
    with pytest.raises(UsageError, match=r"Did you mean `network\.plain`\?$"):
        show_help.run(argparse.Namespace(plugin="netwrk_plain"))


def test_an_unknown_plugin_is_reported():
    with pytest.raises(UnknownNameError, match=r"network `no_such_network`: no plugin has this name"):
        show_help.run(argparse.Namespace(plugin="network.no_such_network"))
