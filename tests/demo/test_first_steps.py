import csv
import json
from types import SimpleNamespace

import PIL.Image
import pytest

# 44 steps of 32 digits in an epoch of 1,438.
EPOCHS, STEPS = 6, 269


@pytest.fixture(scope="module")
def demo(load_demo):
    return load_demo("first_steps.py")


@pytest.fixture(scope="module")
def run(demo, tmp_path_factory):
    """The demo, shortened to a fifth of its epochs: its exit code and the folder that it leaves."""
    folder = tmp_path_factory.mktemp("first_steps")
    return SimpleNamespace(code=demo.main(folder, EPOCHS, 3), folder=folder)


def test_it_succeeds_and_leaves_what_it_says(run):
    assert run.code == 0
    names = sorted(path.relative_to(run.folder).as_posix() for path in run.folder.rglob("*") if path.is_file())
    parts = {name.partition("/")[0] for name in names}
    assert {"ship", "small"} <= parts
    names = [name for name in names if not name.startswith(("ship/", "small/"))]
    events = [name for name in names if "events.out.tfevents." in name]
    assert {name.rpartition("/")[0] for name in events} == {"tensorboard/evaluate", "tensorboard/train"}
    assert [name for name in names if name not in events] == [
        f"checkpoints/checkpoint-{STEPS:08d}.npz",
        "infer/predictions.csv",
        "infer/predictions.png",
        "metrics.csv",
        "metrics.jsonl",
        "outcome.json",
        "report.json",
        "run.json",
    ]


def test_its_table_says_what_the_files_are_on_disk(run):
    rows = json.loads((run.folder / "ship" / "comparison.json").read_text())["files"]
    assert [row["name"] for row in rows] == [
        "float.keras",
        "float.tflite",
        "small.esp",
        "small.tflite",
        "small.onnx",
    ]
    for row in rows:
        assert row["bytes"] == (run.folder / "ship" / row["name"]).stat().st_size
    assert rows[2]["bytes"] < rows[0]["bytes"] / 20
    assert rows[3]["bytes"] < rows[1]["bytes"] / 3.8
    assert rows[2]["accuracy"] == pytest.approx(rows[3]["accuracy"], abs=0.01)
    assert rows[0]["sparsity"] == 0.0 and rows[2]["sparsity"] > 0.89


def test_its_report_holds_the_accuracy_on_the_held_out_digits(run):
    report = json.loads((run.folder / "report.json").read_text())
    assert report["step"] == STEPS
    assert report["examples"] == 359
    assert report["accuracy"] >= 0.95


def test_its_metrics_tell_of_training_and_evaluation(run):
    records = [json.loads(line) for line in (run.folder / "metrics.jsonl").read_text().splitlines()]
    assert [record["step"] for record in records if record["kind"] == "evaluate"] == [225, STEPS]
    trained = [record for record in records if record["kind"] == "train"]
    assert trained[0]["loss"] > 2 > 0.5 > trained[-1]["loss"]
    assert trained[-1]["step"] == STEPS


def test_its_sheet_and_table_hold_held_out_digits(run):
    with PIL.Image.open(run.folder / "infer/predictions.png") as sheet:
        assert sheet.size == (8 + 6 * 168, 8 + 6 * 204)
    with open(run.folder / "infer/predictions.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == [str(position) for position in range(359)]
    assert {row["name"] for row in rows} == set("0123456789")


def test_run_again_it_says_that_it_is_complete(demo, run, capsys):
    before = json.loads((run.folder / "report.json").read_text())
    assert demo.main(run.folder, EPOCHS) == 0
    said = capsys.readouterr().out
    assert f"Training is complete: {STEPS} of {STEPS} steps are done." in said
    assert f"{before['accuracy']:.2%} of the held-out digits are right." in said
    assert json.loads((run.folder / "report.json").read_text())["accuracy"] == before["accuracy"]


@pytest.mark.slow
def test_in_full_it_recognises_97_percent(demo, tmp_path):
    demo.main(tmp_path)
    assert json.loads((tmp_path / "report.json").read_text())["accuracy"] >= 0.97
