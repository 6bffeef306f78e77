"""Tests of pictures of channel groups."""

import shutil
import subprocess

import keras
import pytest
from keras import layers

from source.config.errors import MissingDependencyError
from source.graph.channel_groups import channel_groups
from source.graph.channel_picture import readers, to_dot, to_svg, to_text
from tests.graph.test_channel_groups import residual

DOT = """digraph channels {
  rankdir=LR; node [shape=box, style="rounded,filled", color="#777777", fontname=Helvetica, fontsize=10]; \
edge [color="#777777", arrowsize=0.7];
  g0 [label="trunk\\nbranch\\n2 channels", fillcolor="0.000 0.16 1.0"];
  g1 [label="hidden\\n5 channels", fillcolor="0.618 0.16 1.0"];
  g2 [label="head\\n1 channels", fillcolor="#dddddd"];
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


def test_groups_in_doubt_are_dashed_and_many_layers_are_not_all_named():
    inputs = keras.Input((3,))
    made = [layers.Dense(2, name=f"made_{place}")(inputs) for place in range(5)]
    x = layers.LayerNormalization()(layers.Add()(made))
    drawn = to_dot(channel_groups(keras.Model(inputs, layers.Dense(1, name="read")(x))))
    assert (
        'g0 [label="made_0\\nmade_1\\nmade_2\\nmade_3\\n...\\n2 channels", fillcolor="0.000 0.16 1.0", '
        'style="rounded,filled,dashed"];'
    ) in drawn


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
