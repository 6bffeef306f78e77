import pytest

from source.callback import eval_loss
from source.config.config import CallbackConfig
from source.config.errors import ConfigError
from tests.callback.fake_run import FakeRun


def test_prints_the_loss_in_training_and_alone():
    callback = eval_loss.build(CallbackConfig())
    assert callback.modes == {"train", "evaluate"}
    assert callback.after_evaluate(FakeRun(), {"loss": 0.123456}) == {"eval_loss": "0.1235"}


def test_refuses_an_evaluation_without_loss():
    with pytest.raises(ConfigError, match=r"^eval_loss: nothing called `loss` is measured\. Known: accuracy\.$"):
        eval_loss.build(CallbackConfig()).after_evaluate(FakeRun(), {"accuracy": 0.5})
