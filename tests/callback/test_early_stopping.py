import math

import pytest

from source.callback import early_stopping
from source.config.config import CallbackConfig
from source.config.errors import ConfigError
from tests.callback.fake_run import FakeRun, drive, through_json


def build(**settings):
    return early_stopping.build(early_stopping.Config(**settings))


def losses(*values):
    return lambda step: {"loss": values[step - 1]}


def test_ends_after_patience_evaluations_that_were_not_better():
    run = FakeRun(steps_per_epoch=1, max_step=9)
    drive(build(patience=2), run, evaluate=losses(3.0, 2.0, 2.0, 1.0, 1.5, 1.0, 0.5))
    assert run.step == 6
    assert run.stopped == ["early_stopping: `loss` has not got better in 2 evaluations; the best was 1.000 at step 4."]


def test_counts_only_what_is_better_by_more_than_the_margin():
    run = FakeRun(steps_per_epoch=1, max_step=9)
    drive(build(patience=2, min_delta=0.25), run, evaluate=losses(1.0, 0.9, 0.75, 0.5))
    assert (run.step, len(run.stopped)) == (3, 1)


def test_high_can_be_better():
    run = FakeRun(steps_per_epoch=1, max_step=4)
    drive(build(patience=2, metric="accuracy"), run, evaluate=lambda step: {"accuracy": step / 10})
    assert run.stopped == []


def test_what_is_no_number_is_never_better():
    run = FakeRun(steps_per_epoch=1, max_step=4)
    drive(build(patience=2), run, evaluate=losses(math.nan, math.inf))
    assert run.stopped == [
        "early_stopping: `loss` has not got better in 2 evaluations; the best was no finite value at step 0."
    ]


def test_a_resumed_run_goes_on_waiting():
    first, run = build(patience=3), FakeRun(steps_per_epoch=1, max_step=9)
    drive(first, run, to_step=3, evaluate=losses(1.0, 2.0, 2.0))
    second = build(patience=3)
    second.load_state(through_json(first.state()))
    again = FakeRun(steps_per_epoch=1, max_step=9, step=3)
    second.before_run(again)
    assert again.stopped == []
    drive(second, again, evaluate=lambda step: {"loss": 2.0})
    assert again.step == 4
    assert "the best was 1.000 at step 1" in again.stopped[0]


def test_a_run_that_was_ended_stays_ended_until_patience_is_raised():
    first, run = build(patience=1), FakeRun(steps_per_epoch=1, max_step=9)
    drive(first, run, evaluate=losses(1.0, 2.0))
    state = through_json(first.state())
    for patience, stops in ((1, 1), (2, 0)):
        again = FakeRun(step=2)
        callback = build(patience=patience)
        callback.load_state(state)
        callback.before_run(again)
        assert len(again.stopped) == stops


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"patience": 0}, r"^Config: `patience` must be at least 1\. Received: patience=0\.$"),
        ({"min_delta": -0.5}, r"^Config: `min_delta` must be at least 0\. Received: min_delta=-0\.5\.$"),
        (
            {"metric": "speed"},
            r"^Config: `goal` must be 'max' or 'min', because the name of the metric `speed`",
        ),
    ],
)
def test_refuses_settings_that_cannot_be(settings, message):
    with pytest.raises(ConfigError, match=message):
        build(**settings)


def test_refuses_an_evaluation_without_the_metric():
    message = r"^early_stopping: nothing called `loss` is measured\. Known: accuracy\.$"
    with pytest.raises(ConfigError, match=message):
        early_stopping.build(CallbackConfig()).after_evaluate(FakeRun(), {"accuracy": 1.0})
