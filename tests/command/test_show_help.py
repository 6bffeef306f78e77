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
    assert show_help.plugin_text("network.plain", module, width=40) == (
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
    text = show_help.plugin_text("network.bare", types.ModuleType("bare", "Bare."), width=40)
    assert text == "network.bare\n\nBare.\n\nIt has no settings."


def test_the_plugin_is_resolved_by_room_and_name(monkeypatch, capsys, module):
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
