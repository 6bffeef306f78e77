import pytest

from source.callback import eval_speed
from source.config.config import CallbackConfig
from source.config.errors import ConfigError
from tests.callback.fake_run import FakeRun


def test_prints_speed_and_time_in_training_and_alone():
    callback = eval_speed.build(CallbackConfig())
    assert callback.modes == {"train", "evaluate"}
    texts = callback.after_evaluate(FakeRun(), {"loss": 1.0, "examples": 10000.0, "seconds": 0.5})
    assert texts == {"eval_speed": "20,000 examples/s", "eval_time": "0.50 s"}


@pytest.mark.parametrize("name", ["examples", "seconds"])
def test_refuses_an_evaluation_that_was_not_timed(name):
    metrics = {"examples": 1.0, "seconds": 1.0}
    del metrics[name]
    with pytest.raises(ConfigError, match=rf"^eval_speed: nothing called `{name}` is measured\. Known: "):
        eval_speed.build(CallbackConfig()).after_evaluate(FakeRun(), metrics)
