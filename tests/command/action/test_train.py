"""Tests of the action `train`."""

import json

import pytest

from source.command.action import train


def test_the_folder_of_a_run_explains_it(act, tmp_path):
    folder = tmp_path / "place" / "runs" / "tiny"
    names = {path.name for path in folder.iterdir()}
    assert {"recipe.yaml", "run.json", "outcome.json", "checkpoints", "metrics.jsonl", "report.html"} <= names
    assert json.loads((folder / "run.json").read_text())["versions"]["keras"]
    assert "magnitude_pruning" in (folder / "report.html").read_text()


def test_a_run_that_is_done_says_so_and_writes_its_page(act):
    printed = act("train").splitlines()
    assert printed[0] == "Resumed from the checkpoint of step 2."
    assert "Training is complete: 2 of 2 steps are done." in printed
    assert printed[-1] == "wrote runs/tiny/report.html"


def test_a_run_of_another_recipe_is_left_alone(act, capsys):
    error = act("learning_rate=0.5", "train", code=2)
    assert "runs/tiny holds a run of another recipe: learning_rate is" in error


def test_the_page_is_written_where_training_was_stopped(tmp_path):
    class Stopped:
        folder = tmp_path / "stopped"
        runner = None

    (tmp_path / "stopped").mkdir()
    (tmp_path / "stopped" / "metrics.jsonl").write_text('{"step": 1, "kind": "train"}\n')
    train.refresh(Stopped.folder)
    assert (tmp_path / "stopped" / "report.html").is_file()


@pytest.mark.parametrize("folder", ["missing", "."])
def test_what_is_no_run_gets_no_page(tmp_path, folder):
    train.refresh(tmp_path / folder, say=True)
    assert not list(tmp_path.rglob("report.html"))
