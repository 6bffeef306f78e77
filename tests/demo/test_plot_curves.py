import json

import pytest

from source.config.errors import DataError

RECORDS = [
    {"kind": "train", "step": 5, "epoch": 0.5, "loss": 2.0, "accuracy": 0.25},
    {"kind": "evaluate", "step": 10, "epoch": 1.0, "loss": 1.0, "accuracy": 0.5},
    {"kind": "train", "step": 10, "epoch": 1.0, "loss": 1.5, "accuracy": 0.375},
]


@pytest.fixture(scope="module")
def plot_curves(load_demo):
    return load_demo("plot_curves.py")


@pytest.fixture
def run(tmp_path):
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(record) + "\n" for record in RECORDS))
    return tmp_path


def test_the_same_curves_give_the_same_picture(plot_curves, run, capsys):
    pictures = [run / "new" / "a.svg", run / "new" / "b.svg"]
    for picture in pictures:
        assert plot_curves.main([str(run), str(picture)]) == 0
    assert capsys.readouterr().out == "".join(f"Wrote {picture}.\n" for picture in pictures)
    first, second = (picture.read_text() for picture in pictures)
    assert first == second
    assert "<svg" in first


def test_a_png_is_written_too(plot_curves, run):
    plot_curves.main([str(run), str(run / "a.png")])
    assert (run / "a.png").read_bytes().startswith(b"\x89PNG")


def test_a_run_without_records_is_named(plot_curves, tmp_path):
    with pytest.raises(DataError, match=r"metrics\.jsonl: there is no such file\. Train with the callback"):
        plot_curves.main([str(tmp_path), str(tmp_path / "a.svg")])
