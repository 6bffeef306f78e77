"""Tests of the action `compare`."""

import json
import pathlib

import keras
import pytest

from source.command.action import compare

FEW = ("compare_examples=64", "timed_runs=2")


def test_the_model_and_every_exported_file_are_compared(act):
    lines = act("export", *FEW, "compare").splitlines()
    head = next(place for place, line in enumerate(lines) if line.startswith("file "))
    assert [line.split()[0] for line in lines[head + 1 : head + 3]] == ["finished.keras", "model.esp"]
    assert "Each file was run on 64 examples. The baseline is finished.keras." in lines
    assert lines[-1] == "wrote runs/tiny/compare/comparison.html, comparison.json, comparison.md"
    rows = json.loads(pathlib.Path("runs/tiny/compare/comparison.json").read_text())["files"]
    assert rows[0]["accuracy"] == rows[1]["accuracy"] and rows[1]["agreement"] == 1.0
    assert rows[0]["macs"] == rows[1]["macs"]


def test_another_run_is_what_it_is_compared_with(act):
    lines = act(*FEW, "baseline=runs/plain", "compare").splitlines()
    assert "Restored the checkpoint of step 2." in lines
    head = next(place for place, line in enumerate(lines) if line.startswith("file "))
    assert [line.split()[0] for line in lines[head + 1 : head + 3]] == ["before.keras", "finished.keras"]
    rows = json.loads(pathlib.Path("runs/tiny/compare/comparison.json").read_text())["files"]
    assert rows[0]["sparsity"] < 0.01 < 0.49 < rows[1]["sparsity"]


def test_so_are_a_file_and_the_weights_that_training_began_with(act):
    keras.models.load_model("runs/tiny/finished.keras").save("other.keras")
    assert "The baseline is other.keras." in act(*FEW, "baseline=other.keras", "compare")
    pretrained = "pretrained_model=runs/plain/checkpoints/checkpoint-00000002.npz"
    assert "The baseline is before.keras." in act(*FEW, pretrained, "compare")


def test_a_run_without_a_compressor_has_a_model_too(act_plain):
    printed = act_plain(*FEW, "compare")
    assert "The baseline is trained.keras." in printed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["compare_examples=0"], "command line: compare_examples: expected a whole number from 1. Received: 0."),
        (["timed_runs=true"], "command line: timed_runs: expected"),
        (["baseline=nothing"], "baseline: there is no nothing. Name a file, or the folder of a run."),
        (["baseline=runs"], "baseline: runs is no run. Name a file, or the folder of a run."),
    ],
)
def test_mistakes_are_named(act, words, message):
    assert message in act(*words, "compare", code=2)


def test_a_run_of_which_nothing_is_left_is_no_baseline(act):
    pathlib.Path("runs/plain/recipe.yaml").unlink()
    error = act("baseline=runs/plain", "compare", code=2)
    assert "baseline: runs/plain has neither finished.keras nor recipe.yaml. Name a .keras file." in error
    assert compare.SUMMARY
