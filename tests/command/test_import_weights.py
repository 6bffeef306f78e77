"""Tests of `espalier import`."""

import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

from source.command.main import main

RULES = r"""
network: lenet5
input_shape: [16, 16, 1]
settings: {num_classes: 3}
rules:
  - rename: {'steps': null, '^c(\d)\.': 'conv{\1+1}/', '^f\.': dense1/, '^l\.': logits/, 'weight$': kernel}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("import")
    shapes = {"c0": (5, 5, 1, 20), "c1": (5, 5, 20, 50), "f": (50, 500), "l": (500, 3)}
    random = np.random.default_rng(0)
    arrays = {f"{name}.weight": random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    arrays |= {f"{name}.bias": np.zeros(shape[-1], np.float32) for name, shape in shapes.items()}
    np.savez(place / "w.npz", steps=7, **arrays)
    (place / "r.yaml").write_text(RULES)
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]).save(place / "m.keras")
    (place / "there.keras").write_bytes(b"")
    return place


@pytest.fixture(autouse=True)
def inside(place, monkeypatch):
    monkeypatch.chdir(place)


def test_a_model_with_the_weights_is_written(capsys):
    assert main(["import", "w.npz", "--rules=r.yaml", "--output=out.keras"]) == 0
    assert capsys.readouterr().out == "wrote out.keras: 1 dropped, 8 taken\n"
    model = keras.models.load_model("out.keras")
    with np.load("w.npz") as arrays:
        np.testing.assert_array_equal(model.get_layer("conv2").kernel, arrays["c1.weight"])
    assert main(["import", "w.npz", "out.keras", "--rules=r.yaml", "--output=again.keras", "--skip=logits"]) == 0
    assert capsys.readouterr().out == "wrote again.keras: 1 dropped, 6 taken, 2 skipped\n"


def test_a_dry_run_prints_the_mapping_and_writes_nothing(capsys):
    assert main(["import", "w.npz", "--rules=r.yaml", "--dry_run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[:3]] == [
        ["source", "shape", "rules", "target", "shape"],
        ["steps", "-", "dropped", "by", "rules[1].rename", "dropped"],
        ["c0.weight", "5x5x1x20", "conv1/kernel", "5x5x1x20"],
    ]
    assert lines[-1] == "1 dropped, 8 taken"


def test_settings_of_the_network_are_flags_and_a_dry_run_ends_with_the_problem(capsys):
    assert main(["import", "w.npz", "--rules=r.yaml", "--dry_run", "--num_classes=4"]) == 2
    printed = capsys.readouterr()
    assert "other shape" in printed.out
    assert printed.err.startswith(
        "espalier: w.npz: `l.weight` (500, 3) becomes (500, 3), and `logits/kernel` is (500, 4)"
    )
    assert main(["import", "w.npz", "--rules=r.yaml", "--dry_run", "--dropuot=0.1"]) == 2
    assert "lenet5.dropuot: unknown setting. Did you mean `dropout`?" in capsys.readouterr().err


def test_arrays_are_listed_without_rules(capsys):
    assert main(["import", "w.npz"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["steps      int64    -", "c0.weight  float32  5x5x1x20"]
    assert lines[-1] == "9 arrays, 52,574 numbers"


def test_shipped_rules_are_listed(capsys):
    assert main(["import", "--rules=list"]) == 0
    assert "resnet20_cifar10: ResNet-20 for CIFAR-10" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "expected WEIGHTS."),
        (["w.npz", "--output=o.keras"], "expected --rules, by which arrays become weights"),
        (["w.npz", "--rules=r.yml"], "rules `r.yml`: there is no such file, nor are such rules shipped."),
        (["w.npz", "--rules=r.yaml"], "--output: expected a file that ends in .keras. Received: None."),
        (["w.npz", "--rules=r.yaml", "--output=o.h5"], "--output: expected a file that ends in .keras."),
        (["w.npz", "--rules=r.yaml", "--output=there.keras"], "there.keras: exists already. Say --overwrite"),
        (["w.npz", "--rules=r.yaml", "--output=no/o.keras"], "no/o.keras: its folder is not there."),
        (["w.npz", "n.keras", "--rules=r.yaml", "--dry_run"], "n.keras: there is no such file."),
        (["w.npz", "m.keras", "--rules=r.yaml", "--network=lenet5"], "expected MODEL, or --network with its settings"),
        (["n.npz", "--rules=r.yaml", "--dry_run"], "n.npz: there is no such file, nor a TensorFlow checkpoint"),
        (["w.npz", "--rules=r.yaml", "--dry_run", "--network=lenet"], "network `lenet`: no plugin has this name."),
        (["w.npz", "--rules=r.yaml", "--dry_run", "--input_shape=8"], "--input_shape: expected lengths such as"),
        (["w.npz", "--rules=empty.yaml", "--dry_run"], "expected MODEL or --network: the rules empty.yaml name none."),
    ],
)
def test_a_mistake_is_one_line_and_code_2(capsys, arguments, line):
    pathlib.Path("empty.yaml").write_text("rules: []")
    assert main(["import", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"espalier: {line}")
    assert printed.err.count("\n") == 1


def test_names_load_no_tensorflow():
    for words in (
        ["w.npz", "--rules=r"],
        ["w.npz", "--rules=r.yaml"],
        ["--rules=list"],
        ["--help"],
        ["w.npz", "--rules=r.yaml", "--dry_run", "--network=lenet"],
    ):
        script = f"import sys; from source.command.main import main; main({['import', *words]!r}); "
        done = subprocess.run(
            [sys.executable, "-c", script + "sys.exit('tensorflow' in sys.modules)"], capture_output=True, timeout=60
        )
        assert done.returncode == 0
