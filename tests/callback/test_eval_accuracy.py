import pytest

from source.callback import eval_accuracy
from source.config.config import CallbackConfig
from source.config.errors import ConfigError
from tests.callback.fake_run import FakeRun


def test_prints_every_accuracy_in_training_and_alone():
    callback = eval_accuracy.build(CallbackConfig())
    assert callback.modes == {"train", "evaluate"}
    metrics = {"loss": 1.0, "accuracy": 0.98765, "top_5_accuracy": 1.0, "examples": 10.0, "seconds": 1.0}
    texts = callback.after_evaluate(FakeRun(), metrics)
    assert texts == {"eval_accuracy": "0.9877", "eval_top_5_accuracy": "1.0000"}


def test_refuses_an_evaluation_without_accuracy():
    message = r"^eval_accuracy: nothing called `accuracy` is measured\. Known: loss\.$"
    with pytest.raises(ConfigError, match=message):
        eval_accuracy.build(CallbackConfig()).after_evaluate(FakeRun(), {"loss": 0.5})
