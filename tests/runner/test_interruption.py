import os
import signal
import threading
import time

import pytest
import tensorflow as tf

from source.runner._interruption import Interruption
from source.runner._train_loop import TrainLoop


def endless_loop(interruption):
    loop = TrainLoop(lambda batch: {"loss": tf.cast(batch, tf.float32)}, interruption.flag)
    return loop, iter(tf.data.Dataset.range(1).repeat())


@pytest.mark.parametrize(("number", "name"), [(signal.SIGTERM, "SIGTERM"), (signal.SIGINT, "SIGINT")])
def test_a_signal_ends_a_loop_that_runs_inside_the_graph(number, name):
    with Interruption() as interruption:
        loop, batches = endless_loop(interruption)
        loop.run(batches, 1)
        timer = threading.Timer(0.2, os.kill, (os.getpid(), number))
        timer.start()
        started = time.monotonic()
        result = loop.run(batches, 2**60)
        timer.join()
    assert interruption.reason == name
    assert result.steps > 0
    assert time.monotonic() - started < 30  # 2^60 steps would take centuries


def test_a_second_ctrl_c_raises():
    with Interruption() as interruption:
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            _ctrl_c_again()
    assert interruption.reason == "SIGINT"


def _ctrl_c_again():
    time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(1)


def test_handlers_are_given_back_and_nothing_is_left_running():
    before = (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT), threading.active_count())
    with Interruption():
        assert signal.getsignal(signal.SIGTERM) is not before[0]
    assert (
        signal.getsignal(signal.SIGTERM),
        signal.getsignal(signal.SIGINT),
        threading.active_count(),
    ) == before
    assert signal.set_wakeup_fd(-1) == -1


def test_outside_the_main_thread_the_flag_can_still_be_asked():
    seen = []

    def work():
        with Interruption() as interruption:
            interruption.ask("the test")
            seen.append((interruption.reason, bool(interruption.flag.numpy())))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [("the test", True)]


def test_the_first_reason_stays():
    interruption = Interruption()
    interruption.ask("SIGTERM")
    interruption.ask("SIGINT")
    assert interruption.reason == "SIGTERM"
