import gc
import io

import pytest
import rich.console

from source.callback import progress
from source.callback.schedule import EverySeconds
from source.config.config import CallbackConfig
from tests.callback.fake_run import FakeRun, window


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def build(terminal, clock=None):
    screen = io.StringIO()
    console = rich.console.Console(file=screen, force_terminal=terminal, width=120, color_system=None)
    return progress._Progress(CallbackConfig(), console, clock or Clock()), screen


def at(callback, run, step, **scalars):
    run.step = step
    return callback.after_step(run, window(step, step - 9, seconds=2.0, **scalars))


def test_a_terminal_is_refreshed_every_second_and_a_file_every_ten():
    assert build(terminal=True)[0].schedule == EverySeconds(1.0)
    assert build(terminal=False)[0].schedule == EverySeconds(10.0)


def test_says_lines_where_there_is_no_terminal():
    callback, screen = build(terminal=False)
    run = FakeRun(max_step=2000, steps_per_epoch=400)
    callback.before_run(run)
    assert at(callback, run, 990, loss=0.5, accuracy=0.25) is None
    callback._clock.now = 10.0
    assert at(callback, run, 1000, loss=0.25, accuracy=0.5) is None
    callback.after_run(run)
    assert run.said == [
        "step 990/2,000 (50 %), epoch 2.48, 160 examples/s, loss 0.5000, accuracy 0.2500",
        "step 1,000/2,000 (50 %), epoch 2.50, 160 examples/s, loss 0.2500, accuracy 0.5000, 3:20 left",
    ]
    assert screen.getvalue() == ""


def test_leaves_out_what_is_not_measured():
    callback, _ = build(terminal=False)
    run = FakeRun(max_step=2000, steps_per_epoch=400)
    at(callback, run, 1000, perplexity=3.0)
    assert run.said == ["step 1,000/2,000 (50 %), epoch 2.50, 160 examples/s"]


def test_says_a_line_about_every_ten_seconds_and_at_the_end():
    clock = Clock()
    callback, _ = build(terminal=False, clock=clock)
    run = FakeRun(max_step=100)
    for step, now in ((10, 0.0), (20, 1.0), (30, 4.9), (40, 5.0), (50, 9.0), (60, 15.0), (100, 15.5)):
        clock.now = now
        at(callback, run, step)
    assert [line.split("/")[0] for line in run.said] == ["step 10", "step 40", "step 60", "step 100"]


def test_the_time_left_does_not_count_the_first_window_in_which_the_graph_is_made():
    callback, _ = build(terminal=False)
    run = FakeRun(max_step=100, step=20)
    callback.after_step(run, window(20, 11, seconds=100.0))
    run.step = 40
    callback.after_step(run, window(40, 21, seconds=2.0))
    assert callback._pace.seconds_per_step == 0.1
    assert run.said == ["step 20/100 (20 %), epoch 1.00, 3.20 examples/s, loss 0.2500, accuracy 0.5000"]


def test_draws_a_bar_on_a_terminal_and_prints_lines_above_it():
    callback, screen = build(terminal=True)
    run = FakeRun(max_step=2000)
    callback.before_run(run)
    run.say("a line with [brackets] and :smile:")
    at(callback, run, 990, loss=0.25, accuracy=0.5)
    at(callback, run, 1000, loss=0.25, accuracy=0.5)
    callback.after_run(run)
    text = screen.getvalue()
    assert "a line with [brackets] and :smile:\n" in text
    assert "1,000/2,000" in text
    assert "50%" in text
    assert "160 examples/s  loss 0.2500  accuracy 0.5000  3:20 left" in text
    assert run.printer is None


def test_gives_the_cursor_back_when_the_run_ends_with_an_error():
    hide, show = "\x1b[?25l", "\x1b[?25h"
    callback, screen = build(terminal=True)
    callback.before_run(FakeRun())
    assert hide in screen.getvalue() and show not in screen.getvalue()
    del callback
    gc.collect()
    assert show in screen.getvalue()


def test_is_built_from_a_configuration():
    assert isinstance(progress.build(CallbackConfig()), progress._Progress)


@pytest.mark.parametrize("terminal", [True, False])
def test_a_run_that_is_complete_shows_nothing_wrong(terminal):
    callback, _ = build(terminal)
    run = FakeRun(step=100, max_step=100)
    callback.before_run(run)
    callback.after_run(run)
    assert run.said == []
