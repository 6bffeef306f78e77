from source.callback import train_speed
from source.config.config import CallbackConfig
from tests.callback.fake_run import FakeRun, drive, window


def test_prints_examples_a_second_every_so_many_steps():
    callback = train_speed.build(CallbackConfig(log_every_n_iter=2))
    assert drive(callback, FakeRun(max_step=5)) == {
        2: {"speed": "128 examples/s"},
        4: {"speed": "128 examples/s"},
    }


def test_separates_thousands():
    callback = train_speed.build(CallbackConfig())
    assert callback.after_step(FakeRun(), window(1000, seconds=1.0)) == {"speed": "32,000 examples/s"}


def test_has_no_speed_where_no_time_passed():
    callback = train_speed.build(CallbackConfig())
    assert callback.after_step(FakeRun(), window(1, seconds=0.0)) == {"speed": "-"}
