"""Tests of `espalier resume`."""

import pathlib

import pytest

from source.command import resume_run
from source.command.main import main

WORDS = (
    "data/digits.yaml",
    "network=lenet5",
    "image_height=16",
    "image_width=16",
    "max_steps=1",
    "batch_size_per_gpu=32",
    "evaluate_every_epochs=0",
    "id=first/one",
)


def test_a_run_goes_on_in_its_folder_with_other_settings(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([*WORDS, "train"]) == 0
    pathlib.Path("runs/first/one").rename("runs/moved")
    capsys.readouterr()
    assert main(["resume", "runs/moved", "max_steps=2", "learning_rate=0.001"]) == 0  # without an action it trains
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "Resumed from the checkpoint of step 1."
    assert printed[-1] == "wrote runs/moved/report.html"
    recipe = pathlib.Path("runs/moved/recipe.yaml").read_text()
    assert "max_steps: 2" in recipe and "learning_rate: 0.001" in recipe
    assert main(["resume", "moved", "evaluate"]) == 0  # by its name below the folder of runs
    assert "Restored the checkpoint of step 2." in capsys.readouterr().out
    assert not list(pathlib.Path("runs/first").iterdir())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nothing"], "nothing: there is no such run, neither here nor as runs/nothing. `espalier runs` lists those"),
        (["."], ".: there is no recipe.yaml in this folder, so it is not known what to go on with."),
        ([], "the following arguments are required: RUN"),
    ],
)
def test_mistakes_are_named(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    assert main(["resume", *words]) == 2
    assert message in capsys.readouterr().err
    assert resume_run.SUMMARY
