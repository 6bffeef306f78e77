import pytest

from source.callback.callback import Callback
from source.callback.schedule import EverySeconds, EverySteps, Progress
from source.config.config import CallbackConfig
from source.config.errors import ConfigError
from source.runner._events import CallbackList
from source.runner._train_loop import BlockResult


class Recorder(Callback):
    modes = frozenset({"train", "evaluate"})

    def __init__(self, every, memory=0):
        super().__init__(CallbackConfig())
        self.every, self.memory, self.windows = every, memory, []

    @property
    def schedule(self):
        return EverySteps(self.every)

    def after_step(self, run, window):
        self.windows.append((window.first_step, window.last_step, window.mean["loss"]))
        return {f"every{self.every}": str(window.last_step)}

    def state(self):
        return {"memory": self.memory}

    def load_state(self, state):
        self.memory = state["memory"]


class Restorer(Recorder):
    restores = True


class OnlyEvaluate(Recorder):
    modes = frozenset({"evaluate"})


class ByTime(Recorder):
    @property
    def schedule(self):
        return EverySeconds(1.0)


class At:
    def __init__(self, step, seconds_per_step=0.0):
        self.progress = Progress(step=step, max_step=100, steps_per_epoch=10.0, seconds_per_step=seconds_per_step)


def advance(callbacks, start, steps):
    before = At(start).progress
    callbacks.add_block(BlockResult(steps, {"loss": float(steps)}, {"loss": 1.0}), 0.1)
    return callbacks.after_step(At(start + steps), before)


def test_each_is_called_when_due_with_the_steps_since_it_was_last_due():
    two, three = Recorder(2), Recorder(3)
    callbacks = CallbackList([two, three], "train", 8)
    texts = []
    for start, steps in ((0, 2), (2, 1), (3, 1), (4, 2)):
        assert callbacks.next_due(At(start).progress) == start + steps
        texts.append(advance(callbacks, start, steps))
    assert two.windows == [(1, 2, 1.0), (3, 4, 1.0), (5, 6, 1.0)]
    assert three.windows == [(1, 3, 1.0), (4, 6, 1.0)]
    assert texts[-1] == {"every2": "6", "every3": "6"}


def test_one_that_is_due_by_time_is_not_put_off_by_others_that_are_due_more_often():
    often, by_time = Recorder(2), ByTime(0)
    callbacks = CallbackList([often, by_time], "train", 8)
    callbacks.next_due(At(0, seconds_per_step=0.2).progress)  # one second: step 5
    for start, steps in ((0, 2), (2, 2), (4, 1)):
        assert callbacks.next_due(At(start, seconds_per_step=0.2).progress) == start + steps
        advance(callbacks, start, steps)
    assert by_time.windows == [(1, 5, 1.0)]


def test_without_callbacks_the_last_step_is_due():
    assert CallbackList([], "train", 8).next_due(At(7).progress) == 100


def test_those_of_other_modes_are_passed_over():
    other = OnlyEvaluate(1)
    callbacks = CallbackList([other], "train", 8)
    assert callbacks.next_due(At(0).progress) == 100
    assert callbacks.state() == {}


def test_one_that_restores_must_be_first():
    with pytest.raises(ConfigError, match=r"`test_events#2` restores weights .* must be the first"):
        CallbackList([Recorder(1), Restorer(1)], "train", 8)


def test_memory_and_open_windows_come_back_by_name():
    source = CallbackList([Recorder(2, memory=5), Recorder(5, memory=6)], "train", 8)
    advance(source, 0, 1)
    first, second = Recorder(2), Recorder(5)
    target = CallbackList([first, second], "train", 8)
    target.start_windows(1)
    target.load_state(source.state())
    assert (first.memory, second.memory) == (5, 6)
    advance(target, 1, 1)
    assert first.windows == [(1, 2, 1.0)]
