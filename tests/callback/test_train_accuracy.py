import pytest

from source.callback import train_accuracy
from source.config.config import CallbackConfig
from source.config.errors import ConfigError
from tests.callback.fake_run import FakeRun, drive, window


def test_prints_the_mean_accuracy_with_four_decimals_every_so_many_steps():
    callback = train_accuracy.build(CallbackConfig(log_every_n_iter=2))
    texts = drive(callback, FakeRun(max_step=5), scalars=lambda step: {"accuracy": step / 10})
    assert texts == {2: {"accuracy": "0.1500"}, 4: {"accuracy": "0.3500"}}


def test_prints_every_accuracy_there_is():
    callback = train_accuracy.build(CallbackConfig())
    outputs = {"loss": 1.0, "accuracy": 0.5, "top_5_accuracy": 0.98765, "accuracy_cost": 3.0}
    assert callback.after_step(FakeRun(), window(1, **outputs)) == {
        "accuracy": "0.5000",
        "top_5_accuracy": "0.9877",
    }


def test_refuses_a_modeler_that_measures_no_accuracy():
    callback = train_accuracy.build(CallbackConfig())
    message = r"^train_accuracy: nothing called `accuracy` is measured\. Known: loss\.$"
    with pytest.raises(ConfigError, match=message):
        callback.after_step(FakeRun(), window(1, loss=1.0))
