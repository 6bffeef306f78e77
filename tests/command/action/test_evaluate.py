"""Tests of the action `evaluate`."""

import json
import pathlib

from source.command.action import evaluate


def test_metrics_of_the_newest_checkpoint_are_written(act):
    printed = act("evaluate")
    assert "Restored the checkpoint of step 2." in printed
    found = json.loads(pathlib.Path("runs/tiny/evaluate/step-2.json").read_text())
    assert found["step"] == 2 and 0 <= found["accuracy"] <= 1 and found["examples"] == 359
    assert "step-2.json" in pathlib.Path("runs/tiny/report.html").read_text()


def test_it_says_what_it_does():
    assert evaluate.SUMMARY.startswith("evaluate the newest checkpoint")
