"""Tests of the action `evaluate-all`."""

import csv
import pathlib

from source.command.action import evaluate_all


def test_every_checkpoint_is_a_row(act):
    printed = act("evaluate-all").splitlines()
    with open("runs/tiny/evaluate/all.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["step", "epoch", "accuracy", "loss", "top_5_accuracy"]
    assert [(row["step"], row["epoch"]) for row in rows] == [
        ("1", "0.0222531293"),
        ("2", "0.0445062587"),
    ]  # of 1,438 by 32
    assert rows[0]["loss"] != rows[1]["loss"]
    assert printed[-1] == "wrote runs/tiny/evaluate/all.csv"


def test_without_a_checkpoint_there_is_nothing_to_evaluate(act, capsys):
    error = act("id=none", "evaluate-all", code=2)
    assert error == "espalier: runs/none/checkpoints: there is no checkpoint to evaluate. Train first.\n"
    assert not pathlib.Path("runs/none").exists()
    assert evaluate_all.SUMMARY
