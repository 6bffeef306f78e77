"""Tests of what a run writes on how it went."""

import json
import os
import types

import pytest

from source.config.errors import DataError
from source.runner._outcome import recorded_outcome
from tests.runner.parts import make_runner


def a_run(folder, **changes):
    fields = {"model_dir": folder, "step": 3, "max_step": 9, "interrupted": None, "stop_reason": None}
    return types.SimpleNamespace(config=types.SimpleNamespace(dry_run=False), **{**fields, **changes})


def outcome(folder):
    return json.loads((folder / "outcome.json").read_text())


def test_a_run_is_running_and_then_finished(tmp_path):
    run = a_run(tmp_path)
    with recorded_outcome(run):
        during = outcome(tmp_path)
        run.step = 9
    assert (during["state"], during["step"], during["max_step"]) == ("running", 3, 9)
    assert during["process"]["pid"] == os.getpid()
    assert (outcome(tmp_path)["state"], outcome(tmp_path)["step"], outcome(tmp_path)["reason"]) == ("finished", 9, None)
    assert outcome(tmp_path)["started"] == during["started"]


def test_a_run_that_a_callback_ends_is_finished_and_one_that_a_signal_ends_is_stopped(tmp_path):
    with recorded_outcome(a_run(tmp_path, stop_reason="good enough")):
        pass
    assert (outcome(tmp_path)["state"], outcome(tmp_path)["reason"]) == ("finished", "good enough")
    with recorded_outcome(a_run(tmp_path, interrupted="SIGTERM")):
        pass
    assert (outcome(tmp_path)["state"], outcome(tmp_path)["reason"]) == ("stopped", "SIGTERM")
    with pytest.raises(KeyboardInterrupt), recorded_outcome(a_run(tmp_path)):
        raise KeyboardInterrupt
    assert (outcome(tmp_path)["state"], outcome(tmp_path)["reason"]) == ("stopped", "KeyboardInterrupt")


def test_a_run_that_cannot_go_on_has_failed_and_says_why(tmp_path):
    with pytest.raises(DataError), recorded_outcome(a_run(tmp_path)):
        raise DataError("train.csv:\n row 1")
    assert (outcome(tmp_path)["state"], outcome(tmp_path)["reason"]) == ("failed", "DataError: train.csv: row 1")


def test_nothing_is_written_without_a_folder_or_in_a_dry_run(tmp_path):
    with recorded_outcome(a_run(None)):
        pass
    dry = a_run(tmp_path)
    dry.config.dry_run = True
    with recorded_outcome(dry):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_does_not_end_a_run(tmp_path):
    with recorded_outcome(a_run(tmp_path / "gone")):
        pass


def test_training_writes_how_it_went(tmp_path):
    make_runner(tmp_path, max_steps=2).train()
    assert (outcome(tmp_path)["state"], outcome(tmp_path)["step"], outcome(tmp_path)["max_step"]) == ("finished", 2, 2)
