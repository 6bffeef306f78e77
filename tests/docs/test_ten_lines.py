"""Tests of the ten lines that compress somebody's own model: that they are ten, need no more, and do what is said."""

import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.docs.test_examples import padded_blocks

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "compress_in_ten_lines.md"


def ten_lines() -> str:
    """Returns the block that begins with `import espalier`."""
    [block] = [each for each in padded_blocks(PAGE.read_text(encoding="utf-8")) if "espalier.compressor(" in each]
    return block.strip()


@pytest.fixture(scope="module")
def after(tmp_path_factory) -> dict:
    """Returns the names that the ten lines leave, run in a folder of their own on a model that is not ours."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6, 6, 2))
    x = keras.layers.Conv2D(8, 3, use_bias=False, name="conv")(inputs)
    x = keras.layers.ReLU()(keras.layers.BatchNormalization(name="norm")(x))
    x = keras.layers.Flatten()(x)
    model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax", name="out")(x))
    draw = np.random.default_rng(0)
    # 31 steps in each of 10 epochs: the schedule ends at step 300.
    x, y = draw.normal(size=(1240, 6, 6, 2)).astype("float32"), draw.integers(0, 3, 1240)
    names = {"model": model, "x": x, "y": y, "folder": tmp_path_factory.mktemp("ten")}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(names["folder"])
        exec(compile(ten_lines().replace("verbose=2", "verbose=0"), str(PAGE), "exec"), names)  # noqa: S102 (our own)
    return names


def test_they_are_at_most_ten_and_need_nothing_else_of_ours():
    lines = [line for line in ten_lines().splitlines() if line.strip()]
    assert len(lines) <= 10
    assert [line for line in lines if "import" in line] == ["import espalier"]
    assert ".fit(" in ten_lines() and "runner" not in ten_lines()


def test_the_readme_has_the_same_lines():
    assert ten_lines() in (ROOT / "README.md").read_text(encoding="utf-8")


def test_they_prune_and_round_what_they_say(after):
    report = after["compressor"].report(after["prepared"])
    assert [(row.layer, row.how) for row in report.compressed] == [
        ("conv", "TOPK{0.2} > int8<channel>"),
        ("out", "TOPK{0.2} > int8<channel>"),
    ]
    # round(0.2 * 144) and round(0.2 * 384), less those that 8 bits round to zero
    assert [row.kept <= most for row, most in zip(report.compressed, (29, 77), strict=True)] == [True, True]
    assert report.totals()["ratio"] > 4


def test_the_file_is_plain_keras_with_the_outputs_of_training(after):
    script = (
        "import keras, numpy as np, sys\n"
        "model = keras.saving.load_model('small.keras')\n"
        "np.save('y.npy', model.predict(np.load('x.npy'), verbose=0))\n"
        "ours = sorted({'source', 'espalier'} & set(sys.modules))\n"
        "print([type(each).__name__ for each in model.operations], ours)"
    )
    np.save(after["folder"] / "x.npy", after["x"][:8])
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=after["folder"], capture_output=True, text=True, timeout=300, check=True)
    quantize = "FakeQuantWithMinMaxVars"
    layers = ["InputLayer", quantize, "Conv2D", "ReLU", quantize, "Flatten", "Dense", quantize]
    assert done.stdout.splitlines()[-1] == f"{layers} []"
    expected = after["prepared"].predict(after["x"][:8], verbose=0)
    # Folding into the bias sums in another order; a step of 8 bits between 0 and 1 is 0.004.
    np.testing.assert_allclose(np.load(after["folder"] / "y.npy"), expected, atol=0.01)


def test_the_table_on_the_page_has_the_columns_of_reports():
    from source.compressor import report

    [table] = re.findall(r"```text\n(layer .*?)\n", PAGE.read_text(encoding="utf-8"))
    assert tuple(table.split()) == report._COLUMNS
