"""Tests of `espalier predict` on a SavedModel that tells dark pictures from bright ones, and on a Keras file."""

import csv
import json
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image

from source.command.main import main
from tests.exporter import brightness


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a SavedModel `1`, a Keras file and its inputs, and a folder of three pictures, one broken."""
    place = tmp_path_factory.mktemp("predict")
    brightness.save(place / "1")
    (place / "pictures").mkdir()
    for name, value in {"b.png": 255, "a.jpg": 0}.items():
        Image.fromarray(np.full((5, 4, 3), value, np.uint8)).save(place / "pictures" / name)
    (place / "pictures" / "broken.png").write_bytes(b"no picture")
    inputs = keras.Input((2,))
    keras.Model(inputs, keras.layers.Rescaling(2.0)(inputs)).save(place / "double.keras")
    np.save(place / "x.npy", np.array([[1, 2], [4, 3], [5, 6]], np.float32))
    return place


@pytest.fixture(autouse=True)
def inside(place, monkeypatch):
    monkeypatch.chdir(place)


def test_pictures_are_classified_in_order(capsys):
    assert main(["predict", "1", "pictures/b.png", "pictures/*.jpg"]) == 0
    assert capsys.readouterr().out == "pictures/a.jpg  dark    1.0000\npictures/b.png  bright  1.0000\n"


@pytest.mark.parametrize("batch", ["1", "2", "32"])
def test_broken_pictures_are_named_and_the_others_classified(capsys, batch):
    assert main(["predict", "1", "pictures", "--format=json", f"--batch={batch}"]) == 2
    printed = capsys.readouterr()
    assert [each["file_path"] for each in json.loads(printed.out)["results"]] == ["pictures/a.jpg", "pictures/b.png"]
    assert printed.err.startswith("espalier: pictures/broken.png: the image does not decode (")
    assert printed.err.count("\n") == 1


def test_a_picture_that_cannot_be_read_is_named(capsys, place, tmp_path):
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere")
    assert main(["predict", "1", "pictures/b.png", str(tmp_path / "*.png")]) == 2
    assert "there is no such file" in capsys.readouterr().err


def test_json_names_every_class_with_its_probability(capsys):
    assert main(["predict", "1", "pictures/b.png", "--format=json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["classes"] == [{"id": 0, "name": "dark"}, {"id": 1, "name": "bright"}]
    assert [each["probability"] for each in found["results"][0]["prediction"]] == [0.0, 1.0]


@pytest.mark.parametrize(("form", "suffix"), [("json", "json"), ("csv", "csv"), ("text", "txt")])
def test_a_folder_can_take_the_answer(capsys, tmp_path, form, suffix):
    target = tmp_path / "new" / f"predictions.{suffix}"
    assert main(["predict", "1", "pictures/b.png", f"--output={tmp_path / 'new'}", f"--format={form}"]) == 0
    assert capsys.readouterr().out == f"wrote {target}\n"
    assert "bright" in target.read_text()


def test_arrays_go_to_any_file_example_by_example(capsys):
    assert main(["predict", "double.keras", "x.npy", "--format=csv", "--batch=2"]) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert [(row["index"], row["class_id"], row["score"]) for row in rows] == [
        ("0", "1", "4.0"),
        ("1", "0", "8.0"),
        ("2", "1", "12.0"),
    ]


def test_arrays_go_to_a_saved_model_as_pixels(capsys, tmp_path):
    np.save(tmp_path / "x.npy", np.full((1, 2, 2, 3), 63.75))
    assert main(["predict", "1", str(tmp_path / "x.npy"), "--format=csv"]) == 0
    assert capsys.readouterr().out.splitlines()[1].endswith("x.npy,0,0,dark,0.75")


def test_arrays_that_do_not_fit_are_named_and_the_others_classified(capsys, tmp_path):
    np.save(tmp_path / "wide.npy", np.zeros((1, 3)))
    assert main(["predict", "double.keras", "x.npy", str(tmp_path / "wide.npy")]) == 2
    printed = capsys.readouterr()
    assert printed.out.count("\n") == 3
    assert "wide.npy: double.keras: input 0 has shape (None, 2). Received: (1, 3)." in printed.err


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["double.keras", "pictures/b.png"],
            "double.keras: takes arrays (.npy, .npz), because no preprocessing is in it",
        ),
        (["2", "pictures"], "2: there is no such file."),
        (["1", "cat.png"], "cat.png: there is no such file, and no file that this pattern fits."),
        (["1", "pictures", "--batch=0"], "--batch: expected at least 1. Received: 0."),
        (["1", "pictures", "--format=jsn"], "argument --format: invalid choice: 'jsn'"),
        (["1", "pictures/b.png", "--output=x.npy"], "--output: x.npy/predictions.txt cannot be written"),
        (["1"], "the following arguments are required: INPUT."),
    ],
)
def test_a_mistake_is_one_line_and_code_2(capsys, arguments, line):
    assert main(["predict", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"espalier: {line}")
    assert printed.err.count("\n") == 1


def test_what_is_no_classifier_is_refused(capsys, tmp_path):
    keras.Sequential([keras.Input((2,)), keras.layers.Reshape((2, 1))]).save(tmp_path / "m.keras")
    assert main(["predict", str(tmp_path / "m.keras"), "x.npy"]) == 2
    assert "expected scores of shape (b, classes). Received: (3, 2, 1)." in capsys.readouterr().err


def test_a_saved_model_that_takes_no_pictures_says_so_once(capsys, tmp_path):
    brightness.save(tmp_path / "1", takes_pictures=False)
    assert main(["predict", str(tmp_path / "1"), "pictures"]) == 2
    printed = capsys.readouterr().err
    assert "needs a signature `predict_bytes`" in printed
    assert printed.count("\n") == 1


def test_mistakes_and_help_load_no_tensorflow():
    for words in (["1", "cat.png"], ["--help"], ["double.keras", "pictures/b.png"]):
        script = f"import sys; from source.command.main import main; main({['predict', *words]!r}); "
        done = subprocess.run(
            [sys.executable, "-c", script + "sys.exit('tensorflow' in sys.modules or 'numpy' in sys.modules)"],
            capture_output=True,
            timeout=60,
        )
        assert done.returncode == 0
