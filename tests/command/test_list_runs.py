"""Tests of `espalier runs`."""

import json
import os

import pytest

from source.command.main import main
from tests.command.record.folders import EVALUATED, make_run, record


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OUTPUT_DIR", raising=False)


@pytest.fixture
def runs(tmp_path):
    make_run(tmp_path / "runs" / "old", records=EVALUATED[:2], settings=record(epochs=2.0, compressor="distillation"))
    make_run(tmp_path / "runs" / "new", settings=record(network="resnet20"))
    make_run(tmp_path / "runs" / "new" / "small", records=EVALUATED[:1])
    for place, seconds in (("old", 1e9), ("new/small", 1.5e9), ("new", 2e9)):
        for file in (tmp_path / "runs" / place).iterdir():
            os.utime(file, (seconds, seconds))


def columns(capsys):
    return [line.split("  ")[0] for line in capsys.readouterr().out.splitlines()]


def test_runs_are_listed_the_newest_first(capsys, runs):
    assert main(["runs"]) == 0
    lines = capsys.readouterr().out.splitlines()
    head = ["run", "network", "data", "compressor", "state", "metric", "best", "last", "size", "age"]
    assert lines[0].split() == head
    assert lines[1].split()[:6] == ["new", "resnet20", "mnist", "-", "finished", "accuracy"]
    assert "accuracy in training" in lines[2] and lines[2].startswith("new/small")
    assert "stopped at step 5 of 20" in lines[3] and "  0.625  0.625  " in lines[3] and lines[3].startswith("old")


def test_runs_are_sorted_as_asked(capsys, runs):
    expected = {"id": ["new", "new/small", "old"], "best": ["new", "old", "new/small"]}
    expected |= {"state": ["new", "new/small", "old"], "size": ["new", "old", "new/small"]}
    for order, ids in expected.items():
        assert main(["runs", "--sort", order]) == 0
        assert columns(capsys)[1:] == ids
    assert main(["runs", "--sort=best", "--metric=top_5"]) == 2
    assert main(["runs", "--sort=best", "--metric=loss"]) == 0
    assert columns(capsys)[1:] == ["new", "old", "new/small"]


def test_runs_are_told_as_json(capsys, runs):
    assert main(["runs", "runs/old", "--json"]) == 0
    [run] = json.loads(capsys.readouterr().out)
    assert (run["id"], run["state"], run["max_step"], run["best"]) == ("old", "stopped", 20, 0.625)
    assert (run["compressor"], run["changed"]) == ("distillation", 1e9)


def test_the_folder_is_that_of_the_environment(capsys, runs, monkeypatch):
    monkeypatch.setenv("OUTPUT_DIR", "runs/new")
    assert main(["runs", "--sort=id"]) == 0
    assert columns(capsys)[1:] == ["new", "small"]


def test_what_is_damaged_is_told_and_the_rest_is_shown(capsys, runs):
    with open("runs/old/metrics.jsonl", "a") as file:
        file.write('{"kind": "tr')
    assert main(["runs"]) == 0
    printed = capsys.readouterr()
    assert printed.out.count("\n") == 4
    assert printed.err == "espalier: runs/old/metrics.jsonl, line 3: is no record of metrics.\n"


def test_a_folder_without_runs_is_no_mistake(capsys, tmp_path):
    assert main(["runs", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{tmp_path}: there are no runs here.\n"
    assert main(["runs", str(tmp_path), "--json"]) == 0
    assert capsys.readouterr().out == "[]\n"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0 s"), (59.9, "59 s"), (60, "1 min"), (7199, "1 h"), (86400 * 3.5, "3 d")],
)
def test_ages_are_told_in_their_largest_unit(capsys, tmp_path, monkeypatch, seconds, text):
    folder = make_run(tmp_path / "runs" / "only")
    for file in folder.iterdir():
        os.utime(file, (1e9, 1e9))
    monkeypatch.setattr("time.time", lambda: 1e9 + seconds)
    assert main(["runs"]) == 0
    assert capsys.readouterr().out.splitlines()[1].endswith(f"  {text}")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["none"], "none: there is no such folder. Name one: `espalier runs FOLDER`."),
        (["runs", "--metric=none"], "--metric: no run has `none`."),
        (["runs", "--sort=colour"], "argument --sort: invalid choice: 'colour'"),
    ],
)
def test_mistakes_are_one_line(capsys, runs, arguments, line):
    assert main(["runs", *arguments]) == 2
    printed = capsys.readouterr().err
    assert line in printed and printed.count("\n") == 1
