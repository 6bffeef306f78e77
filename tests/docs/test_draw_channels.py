"""Tests that the page about channels shows the groups of the network that its picture is said to be of."""

import importlib.util
import re
from pathlib import Path

import pytest

from source.graph.channel_groups import channel_groups
from source.graph.channel_picture import to_dot, to_text

ROOT = Path(__file__).resolve().parents[2]
_SPEC = importlib.util.spec_from_file_location("draw_channels", ROOT / "docs" / "draw_channels.py")
draw_channels = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(draw_channels)


@pytest.fixture(scope="module")
def groups():
    return channel_groups(draw_channels.network())


def test_the_text_is_that_of_the_network(groups):
    assert f"```text\n{to_text(groups)}\n```" in (ROOT / "docs" / "channels.md").read_text(encoding="utf-8")


def test_the_picture_has_the_boxes_and_arrows_of_the_network(groups):
    drawn = draw_channels.PICTURE.read_text(encoding="utf-8").replace("&#45;", "-").replace("&gt;", ">")
    dot = to_dot(groups)
    words = [word for label in re.findall(r'label="([^"]*)"', dot) for word in label.split(r"\n")]
    assert re.findall(r">([^<>]+)</text>", drawn) == words
    arrows = re.findall(r"^  (g\d+ -> g\d+);$", dot, re.MULTILINE)
    assert sorted(re.findall(r"<title>(g\d+->g\d+)</title>", drawn)) == [each.replace(" ", "") for each in arrows]
