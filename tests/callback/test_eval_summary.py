import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from source.callback import eval_summary
from source.config.config import CallbackConfig
from source.config.errors import ConfigError
from tests.callback.fake_run import FakeRun

METRICS = {"loss": 0.5, "accuracy": 0.25, "examples": 10.0, "seconds": 2.0}


def evaluate(run, *steps):
    callback = eval_summary.build(CallbackConfig())
    callback.before_run(run)
    for step in steps:
        run.step = step
        assert callback.after_evaluate(run, METRICS) is None
    callback.after_run(run)


def read(folder):
    accumulator = EventAccumulator(str(folder))
    accumulator.Reload()
    tags = accumulator.Tags()["scalars"]
    return {tag: [(event.step, event.value) for event in accumulator.Scalars(tag)] for tag in tags}


def test_writes_the_results_below_eval(tmp_path):
    evaluate(FakeRun(tmp_path), 10, 20)
    found = read(tmp_path / "tensorboard" / "evaluate")
    assert found == {"loss": [(10, 0.5), (20, 0.5)], "accuracy": [(10, 0.25), (20, 0.25)]}


def test_a_resumed_run_leaves_every_point_once(tmp_path):
    evaluate(FakeRun(tmp_path), 10, 20, 30)
    evaluate(FakeRun(tmp_path, step=15), 20, 30)
    assert [step for step, _ in read(tmp_path / "tensorboard" / "evaluate")["loss"]] == [10, 20, 30]


def test_an_evaluation_alone_drops_nothing(tmp_path):
    evaluate(FakeRun(tmp_path), 10, 20, 30)
    evaluate(FakeRun(tmp_path, mode="evaluate", step=20), 20)
    assert {step for step, _ in read(tmp_path / "tensorboard" / "evaluate")["loss"]} == {10, 20, 30}


def test_refuses_a_run_without_folder():
    with pytest.raises(ConfigError, match=r"^eval_summary: writes below .* Set `model_dir`\.$"):
        eval_summary.build(CallbackConfig()).before_run(FakeRun(None))
