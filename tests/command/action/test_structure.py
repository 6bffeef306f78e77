"""Tests of the action `structure`."""

import json
import pathlib

from source.command.action import structure


def test_widths_are_printed_and_written(act):
    lines = act("structure").splitlines()
    assert lines[0] == "Restored the checkpoint of step 2."
    widths = {"conv1": 20, "conv2": 50, "dense1": 500, "logits": 10}
    assert json.loads("\n".join(lines[1:-1])) == widths
    assert json.loads(pathlib.Path("runs/tiny/structure.json").read_text()) == widths


def test_the_network_alone_has_widths_too(act):
    assert json.loads(act("id=new", "structure"))["conv1"] == 20
    assert structure.SUMMARY
