"""Tests of `espalier compare`."""

import json
import pathlib

import keras
import numpy as np
import pytest

from source.command.main import main


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("compare")
    for name in "ab":
        layer = keras.layers.Dense(4, use_bias=False, name="head")
        keras.Sequential([keras.Input((4,)), layer]).save(place / f"{name}.keras")
        layer.kernel.assign(np.eye(4)[:, ::-1] if name == "b" else np.eye(4))
        keras.Sequential([keras.Input((4,)), layer]).save(place / f"{name}.keras")
    np.savez(place / "d.npz", x=np.eye(4, dtype=np.float32)[[0, 1, 2, 3, 0]], y=np.asarray([0, 1, 2, 3, 3]))
    np.savez(place / "other.npz", inputs=np.zeros((2, 4)))
    np.save(place / "alone.npy", np.zeros((2, 4)))
    return place


@pytest.fixture(autouse=True)
def inside(place, monkeypatch):
    monkeypatch.chdir(place)


def test_files_are_compared_and_written_down(capsys):
    outs = ["--html=o.html", "--json=o.json", "--markdown=o.md"]
    assert main(["compare", "a.keras", "b.keras", "--data=d.npz", "--runs=2", *outs]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("a.keras  Keras") and "80.00%" in lines[1] and "100.00%" in lines[1]
    assert "20.00%" in lines[2] and "75.00%" in lines[2]  # of b: one of five right, none in the same place
    assert lines[-3:] == ["wrote o.html", "wrote o.json", "wrote o.md"]
    files = json.loads(pathlib.Path("o.json").read_text())["files"]
    assert [file["bytes"] for file in files] == [pathlib.Path(file["path"]).stat().st_size for file in files]
    assert pathlib.Path("o.html").read_text().startswith("<!DOCTYPE html>")
    assert pathlib.Path("o.md").read_text().startswith("| file |")


def test_without_data_files_are_compared_on_random_numbers(capsys):
    assert main(["compare", "a.keras", "a.keras", "--examples=3", "--runs=1"]) == 0
    printed = capsys.readouterr().out
    assert "Each file was run on 3 examples of random numbers." in printed
    assert "accuracy" not in printed


def test_the_first_examples_of_the_data_do(capsys):
    assert main(["compare", "a.keras", "b.keras", "--data=d.npz", "--examples=2", "--runs=1"]) == 0
    printed = capsys.readouterr().out
    assert "Each file was run on 2 examples." in printed


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["a.keras"], "expected two files at least."),
        (["a.keras", "c.keras"], "c.keras: there is no such file."),
        (["a.keras", "b.keras", "--data=e.npz"], "e.npz: there is no such file."),
        (["a.keras", "b.keras", "--data=other.npz"], "other.npz: expected an array `x` of inputs. Received: inputs."),
        (["a.keras", "b.keras", "--data=alone.npy"], "alone.npy: expected an array `x` of inputs. Received: no names."),
        (["a.keras", "b.keras", "--data=a.keras"], "a.keras: expected"),
        (["a.keras", "b.keras", "--examples=0"], "--examples: expected at least 1. Received: 0."),
        (["a.keras", "b.keras", "--runs=1", "--html=none/o.html"], "--html: none/o.html cannot be written: No such"),
    ],
)
def test_mistakes_are_one_line(capsys, arguments, line):
    assert main(["compare", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith(f"espalier: {line}")
    assert printed.err.count("\n") == 1
