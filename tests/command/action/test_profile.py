"""Tests of the action `profile`."""

import json
import pathlib

from source.command.action import profile


def test_the_profile_is_printed_and_written_in_three_forms(act):
    lines = act("profile").splitlines()
    assert lines[1] == "# lenet5"
    assert lines[-1] == "wrote runs/tiny/profile.md, profile.csv, profile.json"
    folder = pathlib.Path("runs/tiny")
    assert (folder / "profile.md").read_text() == "\n".join(lines[1:-1]) + "\n"
    assert (folder / "profile.csv").read_text().startswith("name,kind,")
    assert json.loads((folder / "profile.json").read_text())["model_name"] == "lenet5"
    assert profile.SUMMARY
