"""Tests of pictures of channel groups."""

import shutil
import subprocess

import pytest

from source.config.errors import MissingDependencyError
from source.graph.channel_groups import channel_groups
from source.graph.channel_picture import readers, to_dot, to_svg, to_text
from tests.graph.test_channel_groups import residual

DOT = """digraph channels {
  rankdir=LR; node [shape=box, fontname=Helvetica, fontsize=10];
  g0 [label="trunk\\nbranch\\n2"];
  g1 [label="hidden\\n5"];
  g2 [label="head\\n1", style=filled, fillcolor="#dddddd"];
  g0 -> g1;
  g0 -> g2;
  g1 -> g0;
}
"""


def test_groups_as_text():
    assert to_text(channel_groups(residual())).splitlines() == [
        "    2   trunk + branch",
        "        -> hidden, head",
        "    5   hidden",
        "        -> normal, branch",
        "    1   head   stays: it is an output of the model",
    ]


def test_who_reads_channels():
    groups = channel_groups(residual())
    assert readers(groups, groups.groups[1]) == ["normal", "branch"]


def test_groups_in_the_language_of_graphviz():
    assert to_dot(channel_groups(residual())) == DOT


def test_graphviz_is_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(MissingDependencyError, match=r"drawn by the program `dot` of graphviz, which is not installed"):
        to_svg(channel_groups(residual()), tmp_path / "groups.svg")


def test_a_picture_is_what_graphviz_draws(monkeypatch, tmp_path):
    def run(command, **settings):
        assert command == ["/bin/dot", "-Tsvg"]
        assert settings["input"] == DOT
        return subprocess.CompletedProcess(command, 0, stdout="<svg/>")

    monkeypatch.setattr(shutil, "which", lambda _: "/bin/dot")
    monkeypatch.setattr(subprocess, "run", run)
    path = to_svg(channel_groups(residual()), tmp_path / "groups.svg")
    assert path.read_text() == "<svg/>"
