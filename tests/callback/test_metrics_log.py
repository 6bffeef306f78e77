import csv
import json
import math

import pytest

from source.callback import metrics_log
from source.config.config import CallbackConfig
from source.config.errors import ConfigError
from tests.callback.fake_run import FakeRun, drive, window

TIMINGS = {"seconds", "examples_per_second"}


def build():
    return metrics_log.build(CallbackConfig(log_every_n_iter=2))


def evaluate(step):
    return {
        "loss": 10.0 / step,
        "accuracy": step / 10,
        "top_5_accuracy": 1.0,
        "examples": 7.0,
        "seconds": 0.5,
    }


def train(run, **options):
    callback = build()
    callback.before_run(run)
    drive(callback, run, evaluate=evaluate, **options)
    callback.after_run(run)


def new_run(folder, **fields):
    return FakeRun(folder, **{"steps_per_epoch": 4, "max_step": 9, **fields})


def read(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def without_timings(folder):
    return [{name: value for name, value in record.items() if name not in TIMINGS} for record in read(folder)]


def table(folder):
    with open(folder / "metrics.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_writes_a_record_for_each_window_and_evaluation(tmp_path):
    train(new_run(tmp_path, max_step=5))
    train_record, evaluate_record = read(tmp_path)[0], read(tmp_path)[1]
    assert [(record["kind"], record["step"]) for record in read(tmp_path)] == [
        ("train", 2),
        ("evaluate", 4),
        ("train", 4),
        ("evaluate", 5),
        ("train", 5),
    ]
    assert train_record == {
        "kind": "train",
        "step": 2,
        "epoch": 0.5,
        "first_step": 1,
        "loss": 0.75,
        "accuracy": 0.0015,
        "seconds": 0.5,
        "examples_per_second": 128.0,
    }
    assert evaluate_record == {"kind": "evaluate", "step": 4, "epoch": 1.0, **evaluate(4)}


def test_the_table_has_one_header_with_every_column_that_came(tmp_path):
    train(new_run(tmp_path, max_step=5))
    lines = (tmp_path / "metrics.csv").read_text().splitlines()
    assert lines[0] == ("kind,step,epoch,first_step,loss,accuracy,seconds,examples_per_second,top_5_accuracy,examples")
    assert lines[1] == "train,2,0.5,1,0.75,0.0015,0.5,128.0,,"
    assert lines[2] == "evaluate,4,1.0,,2.5,0.4,0.5,,1.0,7.0"
    assert len(lines) == 6


def test_lines_and_table_say_the_same(tmp_path):
    train(new_run(tmp_path))
    for record, row in zip(read(tmp_path), table(tmp_path), strict=True):
        assert {name: str(value) for name, value in record.items()} == {n: v for n, v in row.items() if v}


@pytest.mark.parametrize(
    ("killed_at", "resumed_at"),
    [(killed, resumed) for killed in (1, 3, 4, 6, 8) for resumed in (0, 2, 4, 6) if resumed <= killed],
)
def test_an_interrupted_run_leaves_the_records_of_an_uninterrupted_one(tmp_path, killed_at, resumed_at):
    train(new_run(tmp_path / "whole"))
    train(new_run(tmp_path / "parts"), to_step=killed_at)
    train(new_run(tmp_path / "parts", step=resumed_at))
    assert without_timings(tmp_path / "parts") == without_timings(tmp_path / "whole")
    assert (tmp_path / "parts/metrics.csv").read_text() == (tmp_path / "whole/metrics.csv").read_text()


def test_a_line_that_a_kill_cut_off_is_dropped(tmp_path):
    train(new_run(tmp_path), to_step=4)
    with open(tmp_path / "metrics.jsonl", "a") as file:
        file.write('{"kind": "train", "st')
    train(new_run(tmp_path, step=4))
    train(new_run(tmp_path / "whole"))
    assert without_timings(tmp_path) == without_timings(tmp_path / "whole")


def test_what_is_no_number_is_null(tmp_path):
    callback, run = build(), new_run(tmp_path)
    callback.before_run(run)
    callback.after_step(run, window(1, loss=math.nan, accuracy=math.inf, seconds=0.0))
    assert read(tmp_path)[0] == {
        "kind": "train",
        "step": 0,
        "epoch": 0.0,
        "first_step": 1,
        "loss": None,
        "accuracy": None,
        "seconds": 0.0,
    }
    assert table(tmp_path)[0]["loss"] == ""


def test_refuses_a_run_without_folder():
    with pytest.raises(ConfigError, match=r"^metrics_log: writes below .* Set `model_dir`\.$"):
        build().before_run(FakeRun(None))
