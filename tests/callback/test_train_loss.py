import pytest

from source.callback import train_loss
from source.config.config import CallbackConfig
from source.config.errors import ConfigError
from tests.callback.fake_run import FakeRun, drive, window


def test_prints_the_mean_loss_with_four_digits_every_so_many_steps():
    callback = train_loss.build(CallbackConfig(log_every_n_iter=2))
    texts = drive(callback, FakeRun(max_step=5), scalars=lambda step: {"loss": float(step)})
    assert texts == {2: {"loss": "1.500"}, 4: {"loss": "3.500"}}


@pytest.mark.parametrize(
    ("loss", "text"), [(0.25, "0.2500"), (1234.4, "1234"), (1.23456e-7, "1.235e-07"), (float("nan"), "nan")]
)
def test_writes_any_loss(loss, text):
    callback = train_loss.build(CallbackConfig())
    assert callback.after_step(FakeRun(), window(1, loss=loss)) == {"loss": text}


def test_refuses_a_modeler_that_measures_no_loss():
    callback = train_loss.build(CallbackConfig())
    with pytest.raises(ConfigError, match=r"^train_loss: nothing called `loss` is measured\. Did you mean `los_s`\?$"):
        callback.after_step(FakeRun(), window(1, los_s=1.0))
