import dataclasses
import typing

import pytest

from source.callback.callback import Callback, Run, Window
from source.callback.schedule import Never
from source.config.config import CallbackConfig
from tests.callback.fake_run import FakeRun, window


def test_a_callback_does_nothing_unless_it_says_otherwise():
    callback, run = Callback(CallbackConfig(log_every_n_iter=7)), FakeRun()
    assert callback.modes == {"train"}
    assert callback.restores is False
    assert callback.schedule == Never()
    assert callback.config.log_every_n_iter == 7
    callback.before_run(run)
    callback.before_step(run)
    assert callback.after_step(run, window(1)) is None
    assert callback.after_evaluate(run, {"loss": 1.0}) is None
    callback.after_predict(run, {})
    callback.after_run(run)
    assert callback.state() == {}
    callback.load_state({})
    assert (run.said, run.requested, run.stopped) == ([], [], [])


def test_a_window_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        window(1).seconds = 3.0


def test_a_window_is_made_by_name():
    with pytest.raises(TypeError):
        Window(1, 10, 2.0, 320, {}, {})


def test_the_fake_run_has_all_that_callbacks_may_ask():
    asked = set(typing.get_type_hints(Run)) | {name for name in vars(Run) if not name.startswith("_")}
    assert asked >= {"mode", "modeler", "progress", "say", "stop", "request_checkpoint"}
    assert {name for name in asked if not hasattr(FakeRun(), name)} == set()
