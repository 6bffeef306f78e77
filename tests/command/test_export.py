"""Tests of `espalier export`, with the exporter that needs no package of its own."""

import json
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

from source.command.main import main


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("export")
    keras.utils.set_random_seed(0)
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]).save(place / "m.keras")
    np.save(place / "x.npy", np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32))
    return place


@pytest.fixture(autouse=True)
def inside(place, monkeypatch):
    monkeypatch.chdir(place)


def test_a_model_is_written_and_what_has_come_of_it_is_printed(capsys):
    assert main(["export", "m.keras", "served/1", "--examples=x.npy", "--examples_=1"]) == 2
    assert capsys.readouterr().err == "espalier: saved_model.examples_: unknown setting. Did you mean `examples`?\n"
    assert main(["export", "m.keras", "served/1", "--examples=x.npy", "--tolerance=0.5"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("saved_model: served/1, ")
    assert printed.err == ""
    report = json.loads(pathlib.Path("served/1.report.json").read_text())
    assert (report["examples"], report["real_examples"], report["tolerance"]) == (5, True, 0.5)


def test_a_switch_needs_no_value_and_a_number_does(capsys):
    assert main(["export", "m.keras", "again"]) == 0
    assert main(["export", "m.keras", "again"]) == 2
    assert "again exists already" in capsys.readouterr().err
    assert main(["export", "m.keras", "again", "--overwrite"]) == 0
    assert main(["export", "m.keras", "again", "--overwrite", "--tolerance"]) == 2
    assert "saved_model.tolerance: expected a number. Received: 'true'." in capsys.readouterr().err


def test_a_kind_can_be_said(capsys):
    assert main(["export", "m.keras", "named.folder", "--kind=saved_model"]) == 0
    assert capsys.readouterr().out.startswith("saved_model: named.folder, ")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["m.keras", "m.onx"], "path: expected a file that ends with .esp,"),
        (["m.keras", "m", "--kind=saved_modl"], "exporter `saved_modl`: no plugin has this name."),
        (["n.keras", "m"], "n.keras: there is no such file."),
        (["m.keras", "m", "--examples=y.npy"], "y.npy: there is no such file."),
        (["m.keras", "m", "more"], "one argument too many: `more`."),
        (["m.keras"], "the following arguments are required: OUT."),
        (["x.npy", "m"], "x.npy: this model cannot be read:"),
    ],
)
def test_a_mistake_is_one_line_and_code_2(capsys, arguments, line):
    assert main(["export", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"espalier: {line}")
    assert printed.err.count("\n") == 1


def test_names_load_no_tensorflow():
    for words in (["m.keras", "m.onx"], ["m.keras", "m", "--kind=x"], ["n.keras", "m.tflite"], ["--help"]):
        script = f"import sys; from source.command.main import main; main({['export', *words]!r}); "
        done = subprocess.run(
            [sys.executable, "-c", script + "sys.exit('tensorflow' in sys.modules or 'numpy' in sys.modules)"],
            capture_output=True,
            timeout=60,
        )
        assert done.returncode == 0
