import math

import pytest

from source.callback import nan_guard
from source.callback.schedule import Progress
from source.config.config import CallbackConfig
from source.config.errors import ConfigError, TrainingError
from tests.callback.fake_run import FakeModeler, FakeRun, drive, window


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["loss", "gradient_norm"])
def test_ends_a_run_that_left_the_numbers_and_names_the_steps(name, value):
    callback = nan_guard.build(CallbackConfig())
    message = (
        rf"^The mean of `{name}` over steps 11 to 20 is {value}\. Lower `learning_rate`, set `warmup_epochs` "
        r"or `clip_norm`, and look for broken inputs\. The newest checkpoint is from before; "
        r"`nan_guard_steps=1` finds the very step\.$"
    )
    with pytest.raises(TrainingError, match=message):
        callback.after_step(FakeRun(), window(20, 11, **{"loss": 1.0, name: value}))


def test_lets_numbers_pass():
    assert drive(nan_guard.build(CallbackConfig()), FakeRun(max_step=30)) == {}


def test_looks_at_the_loss_alone_where_gradients_are_scaled():
    run = FakeRun(modeler=FakeModeler(precision="mixed_float16"))
    callback = nan_guard.build(CallbackConfig())
    callback.after_step(run, window(20, loss=1.0, gradient_norm=math.inf))
    with pytest.raises(TrainingError, match="The mean of `loss`"):
        callback.after_step(run, window(20, loss=math.nan))


def due(callback, max_step):
    steps, step = [], 0
    while step is not None:
        step = callback.schedule.next_due(Progress(step=step, max_step=max_step, steps_per_epoch=20))
        steps.append(step)
    return steps[:-1]


def test_checks_every_so_many_steps_and_every_checkpoint():
    config = CallbackConfig(log_every_n_iter=10, save_checkpoints_steps=15)
    assert due(nan_guard.build(config), 42) == [10, 15, 20, 30, 40, 42]
    config = nan_guard.Config(config, nan_guard_steps=20)
    assert due(nan_guard.build(config), 42) == [15, 20, 30, 40, 42]


def test_refuses_to_check_never():
    message = r"^Config: `nan_guard_steps` must be at least 1\. Received: nan_guard_steps=0\.$"
    with pytest.raises(ConfigError, match=message):
        nan_guard.Config(nan_guard_steps=0)
