"""Tests of `espalier profile`."""

import json
import pathlib

import keras
import pytest

from source.command.main import main


@pytest.fixture(autouse=True, scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("profile")
    conv = keras.layers.Conv2D(2, 1, name="conv")
    keras.Sequential([keras.Input((None, None, 3)), conv], name="free").save(place / "free.keras")
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="head")], name="tiny").save(place / "tiny.keras")
    (place / "m.npz").write_bytes(b"")
    return place


@pytest.fixture(autouse=True)
def inside(place, monkeypatch):
    monkeypatch.chdir(place)


def test_a_table_is_printed(capsys):
    assert main(["profile", "tiny.keras", "--bits=4"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "# tiny"
    assert "| 4 bits Quant Size (MB) |" in lines[5]
    assert lines[7].startswith("| **total** | **15** |")


def test_csv_and_json_are_other_forms(capsys):
    assert main(["profile", "tiny.keras", "--format=csv"]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("head,Dense,1,3,15,")
    assert main(["profile", "tiny.keras", "--format=json"]) == 0
    assert json.loads(capsys.readouterr().out)["totals"]["macs"] == 12


def test_a_profile_is_written_where_it_is_said(capsys):
    assert main(["profile", "tiny.keras", "--output=tiny.md"]) == 0
    assert capsys.readouterr().out == "wrote tiny.md\n"
    assert pathlib.Path("tiny.md").read_text().startswith("# tiny\n")


def test_free_lengths_can_be_said(capsys):
    assert main(["profile", "free.keras", "--input_shape=4x5x3", "--format=json"]) == 0
    assert json.loads(capsys.readouterr().out)["totals"]["macs"] == 20 * 6


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["tin.keras"], "tin.keras: there is no such file."),
        (["free.keras"], "Model `free`: the lengths of its input (None, None, None, 3) are free,"),
        (["free.keras", "--input_shape=4,5"], "--input_shape: expected lengths such as 224x224x3. Received: 4,5."),
        (["tiny.keras", "--bits=0"], "`bits` must be in [1, 32]. Received: bits=0."),
        (["tiny.keras", "--output=none/such.md"], "--output: none/such.md cannot be written: No such file"),
    ],
)
def test_mistakes_are_one_line(capsys, arguments, line):
    assert main(["profile", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith(f"espalier: {line}")
    assert printed.err.count("\n") == 1


def test_a_file_without_a_keras_model_is_refused(capsys, monkeypatch):
    monkeypatch.setattr("source.exporter.artefact.open_artefact.open_artefact", lambda path: object())
    assert main(["profile", "m.npz"]) == 2
    assert capsys.readouterr().err == "espalier: m.npz: expected a file that holds a Keras model, .keras or .esp.\n"
