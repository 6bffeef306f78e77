"""Tests of the action `infer`."""

import csv
import json
import pathlib

import numpy as np
import PIL.Image
import pytest

from source.command.action import infer

INFER = pathlib.Path("runs/tiny/infer")


@pytest.fixture
def pictures(act):
    for name in ("b/1.png", "a/1.png", "a/2.jpg"):
        path = pathlib.Path("pictures") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(np.full((20, 24, 3), len(name), np.uint8)).save(path)
    return act


def test_a_folder_of_pictures_is_predicted_in_the_order_of_names(pictures):
    printed = pictures("batch_size_per_gpu=2", "inputs=pictures", "infer").splitlines()
    assert printed[-1] == "Wrote 3 predictions in 2 batches to runs/tiny/infer."
    assert [np.load(INFER / "npy" / f"{batch}.npy").shape for batch in (0, 1)] == [(2, 10), (1, 10)]
    found = [json.loads((INFER / "json" / f"{batch}.json").read_text()) for batch in (0, 1)]
    files = [row["file_path"] for each in found for row in each["results"]]
    assert files == ["pictures/a/1.png", "pictures/a/2.jpg", "pictures/b/1.png"]
    assert sorted(found[0]) == ["benchmark", "classes", "date", "results", "task", "version"]
    assert len(found[1]["results"]) == 1  # and no row that fills the batch up
    best = int(np.argmax(np.load(INFER / "npy" / "1.npy")[0]))
    with PIL.Image.open(INFER / "images" / "1" / str(best) / "1.png") as picture:
        assert (picture.size, picture.getpixel((0, 0))) == ((24, 20), (7, 7, 7))
    with open(INFER / "predictions.csv", newline="") as file:
        assert [row["file"] for row in csv.DictReader(file)] == files
    assert (INFER / "predictions.png").is_file()


def test_pictures_of_one_name_are_both_kept_and_old_answers_are_not(pictures):
    pictures("inputs=[pictures/b, 'pictures/a/1.*']", "infer")
    assert sorted(path.name for path in (INFER / "images").rglob("*.png")) == ["1.png", "1_2.png"]
    pictures("inputs=pictures/b/1.png", "infer")
    assert len(list((INFER / "images").rglob("*.png"))) == 1


def test_without_inputs_the_evaluation_data_is_predicted_under_another_name_too(act):
    printed = act("batch_size_per_gpu=200", "predict")
    assert "Wrote 359 predictions in 2 batches to runs/tiny/infer." in printed
    assert len(list((INFER / "images").rglob("*.png"))) == 359
    assert (INFER / "images/0").is_dir()
    answers = json.loads((INFER / "json/1.json").read_text())["results"]
    assert [row["file_path"] for row in answers][:2] == ["200", "201"]


def test_its_own_data_is_there_again_afterwards(pictures):
    printed = pictures("inputs=pictures", "infer", "evaluate")
    assert "accuracy" in printed


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("inputs=nothing", "nothing: there is no such file, and no file that this pattern fits."),
        ("inputs=[]", "command line: inputs: expected a file, a folder, a pattern, or a list. Received: []."),
        ("inputs=a.npy", "command line: inputs: expected pictures. Received: a.npy. Export the model, and give arrays"),
    ],
)
def test_mistakes_are_named(act, word, message):
    np.save("a.npy", np.zeros(3))
    assert message in act(word, "infer", code=2)
    assert infer.SUMMARY
