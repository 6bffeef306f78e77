"""Tests of the action `compress`."""

import json
import pathlib

import pytest

from source.command.action import compress

FEW = ("compare_examples=64", "timed_runs=2")
FOLDER = pathlib.Path("runs/tiny")


def test_all_that_is_left_is_done_and_then_nothing(act):
    printed = act(*FEW, "compress")  # training was done before
    assert "Training is complete" not in printed
    assert "The baseline is finished.keras." in printed
    assert printed.splitlines()[-1] == "wrote runs/tiny/report.html"
    assert act(*FEW, "compress") == "runs/tiny: nothing is left to do. Results are in runs/tiny/compare.\n"


def test_what_a_kill_cut_off_is_done_again(act):
    act(*FEW, "compress")
    (FOLDER / "export/packed/1/model.esp").unlink()
    printed = act(*FEW, "compress")
    assert "packed" in printed and "The baseline is finished.keras." in printed
    (FOLDER / "compare/comparison.json").unlink()
    printed = act(*FEW, "compress")
    assert "export/packed" not in printed and "The baseline is finished.keras." in printed


def test_training_that_was_killed_goes_on(act):
    (FOLDER / "checkpoints/checkpoint-00000002.npz").unlink()
    (FOLDER / "finished.keras").unlink()
    (FOLDER / "outcome.json").write_text(json.dumps({"state": "running", "step": 1, "max_step": 2}))
    printed = act(*FEW, "compress")
    assert "Resumed from the checkpoint of step 1." in printed
    assert (FOLDER / "finished.keras").is_file()
    assert "The baseline is finished.keras." in printed


@pytest.mark.slow  # 4 s
def test_a_damaged_outcome_is_no_end(act):
    (FOLDER / "outcome.json").write_text("{")
    assert "Training is complete: 2 of 2 steps are done." in act(*FEW, "compress")


def test_a_recipe_without_a_compressor_is_refused(act):
    error = act("compressor=null", "compress", code=2)
    assert error.startswith("espalier: compress: the recipe names no compressor. Add a file that does, such as ")


@pytest.mark.slow  # 4 s
def test_a_run_that_writes_no_finished_model_is_refused(act):
    error = act("id=unfinished", "callbacks.compression={save_finished: false}", "compress", code=2)
    assert "compress: training ended and there is no runs/unfinished/finished.keras." in error
    assert compress.SUMMARY
