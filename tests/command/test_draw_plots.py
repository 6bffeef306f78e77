"""Tests of `espalier plot`."""

import pathlib

import keras
import numpy as np
import PIL.Image
import pytest

from source.command.main import main
from tests.command.record.folders import make_run


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("plot")
    run = make_run(place / "run")
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, name="conv")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2, name="head")(keras.layers.GlobalAveragePooling2D()(x)))
    model.save(run / "finished.keras")
    half = make_run(place / "half")
    (half / "checkpoints").mkdir()
    np.savez(half / "checkpoints" / "checkpoint-00000010.npz", kernel=np.random.normal(size=(8, 8)))
    make_run(place / "empty", records=[])
    PIL.Image.new("RGB", (8, 8), (255, 0, 51)).save(place / "a.png")
    np.savez(place / "d.npz", x=np.ones((3, 8, 8, 3), np.float32), y=np.zeros(3))
    return place


@pytest.fixture(autouse=True)
def inside(place, monkeypatch):
    monkeypatch.chdir(place)


def written(folder):
    return sorted(path.name for path in pathlib.Path(folder).iterdir())


def test_curves_of_a_run_are_drawn_into_its_folder(capsys):
    assert main(["plot", "run"]) == 0
    assert capsys.readouterr().out == "wrote 2 pictures into run/plots\n"
    assert written("run/plots") == ["curve-accuracy.png", "curve-loss.png"]
    assert main(["plot", "run", "half", "--names=loss", "--output=both", "--format=svg"]) == 0
    assert written("both") == ["curve-loss.svg"]


def test_weights_of_a_file_a_run_and_a_checkpoint_are_drawn():
    assert main(["plot", "run/finished.keras"]) == 0
    assert written("plots") == ["weight-conv_kernel.png", "weight-head_kernel.png"]
    assert main(["plot", "run", "--what=weights", "--names=head*", "--output=w1"]) == 0
    assert written("w1") == ["weight-head_kernel.png"]
    assert main(["plot", "half", "--what=weights", "--output=w2"]) == 0
    assert written("w2") == ["weight-kernel.png"]


def test_activations_of_pictures_and_arrays_are_drawn():
    assert main(["plot", "run", "--what=activations", "--images", "a.png", "--output=a1", "--normalize=unit"]) == 0
    assert written("a1") == ["a-conv.png", "a-input.png"]
    words = ["--what=activations", "--names=head", "--count=1", "--output=a2", "--images=d.npz"]
    assert main(["plot", "run/finished.keras", *words]) == 0
    assert written("a2") == ["d_0-head.png", "d_0-input.png"]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["none"], "none: there is no such file or folder."),
        (["run", "a.png"], "--what=curves: expected the folder of a run. Received: a.png."),
        (["run", "half", "--what=weights"], "--what=weights: expected one model. Received: 2."),
        (["run", "--what=gates"], "--what=gates needs --images."),
        (["run", "--images=a.png"], "--what=curves takes no --images."),
        (["run", "--what=gates", "--images=d.npz", "--count=0"], "--count: expected at least 1. Received: 0."),
        (["half", "--what=gates", "--images=d.npz"], "half: there is no finished.keras in this folder."),
        (["empty", "--what=weights"], "empty: there is no finished.keras in this folder. Name a .keras file."),
        (["empty"], "metrics.jsonl: holds no metrics."),
        (["run", "--what=gates", "--images=d.npz"], "there are no gates in the model."),
        (["run", "--names=los"], "metric `los`: there is no such metric. Did you mean `loss`"),
        (["run", "--output=a.png"], "cannot be written: File exists."),
        (["a.png"], "a.png"),
    ],
)
def test_mistakes_are_one_line(capsys, arguments, line):
    assert main(["plot", *arguments]) == 2
    printed = capsys.readouterr().err
    assert line in printed and printed.count("\n") == 1
