import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source.callback.schedule import AtEnd, EveryEpoch, EverySeconds, EverySteps, FirstOf, Never, Progress


def at(step, max_step=100, steps_per_epoch=20.0, **fields):
    return Progress(step=step, max_step=max_step, steps_per_epoch=steps_per_epoch, **fields)


def due(schedule, max_step, steps_per_epoch=20.0, **fields):
    """All steps at which the schedule is due, asked one after the other."""
    steps = []
    step = schedule.next_due(at(0, max_step, steps_per_epoch, **fields))
    while step is not None:
        steps.append(step)
        step = schedule.next_due(at(step, max_step, steps_per_epoch, **fields))
    return steps


def test_progress_counts_epochs_with_their_fraction():
    assert at(0).epoch == 0.0
    assert at(30).epoch == 1.5


def test_never_is_never_due():
    assert due(Never(), 100) == []


def test_at_end_is_due_at_the_last_step_only():
    assert due(AtEnd(), 100) == [100]
    assert AtEnd().next_due(at(100)) is None
    assert AtEnd().next_due(at(120)) is None


@pytest.mark.parametrize(
    ("steps", "max_step", "expected"),
    [(1, 3, [1, 2, 3]), (10, 35, [10, 20, 30]), (10, 30, [10, 20, 30]), (50, 49, []), (50, 50, [50])],
)
def test_every_steps_is_due_at_multiples(steps, max_step, expected):
    assert due(EverySteps(steps), max_step) == expected


def test_every_steps_counts_from_the_first_step_of_the_run_and_not_of_a_resumed_one():
    assert EverySteps(10).next_due(at(13)) == 20
    assert EverySteps(10).next_due(at(20)) == 30


# Steps by hand: epoch k of n examples in batches of b ends with the step in which example k * n is seen.
@pytest.mark.parametrize(
    ("n", "batch", "max_step", "expected"),
    [
        (100, 10, 30, [10, 20, 30]),
        (100, 10, 35, [10, 20, 30, 35]),
        (100, 30, 10, [4, 7, 10]),
        (100, 30, 11, [4, 7, 10, 11]),
        (5, 10, 2, [1, 2]),
        (3, 10, 4, [1, 2, 3, 4]),
        (1437, 32, 180, [45, 90, 135, 180]),
        (60000, 128, 1407, [469, 938, 1407]),
    ],
)
def test_every_epoch_is_due_when_the_last_example_is_seen_and_at_the_end(n, batch, max_step, expected):
    assert due(EveryEpoch(), max_step, n / batch) == expected


@given(n=st.integers(1, 10**6), batch=st.integers(1, 4096), count=st.integers(1, 1000))
def test_epochs_end_as_counted_in_whole_numbers(n, batch, count):
    """ceil(k n / b) in integers, whatever k * (n / b) rounds to in floating point."""
    previous, last = -((count - 1) * n // -batch), -(count * n // -batch)
    progress = at(last - 1, max_step=10**12, steps_per_epoch=n / batch)
    assert EveryEpoch().next_due(progress) == last
    if previous < last:
        assert EveryEpoch().next_due(dataclasses.replace(progress, step=previous)) == last


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [(0.5, [5, 10, 15, 20, 25]), (0.25, [3, 5, 8, 10, 13, 15, 18, 20, 23, 25]), (2.0, [20, 25]), (9.0, [25])],
)
def test_every_epoch_takes_fractions_and_multiples(epochs, expected):
    assert due(EveryEpoch(epochs), 25, 10.0) == expected


def test_every_epoch_is_not_due_behind_the_end():
    assert EveryEpoch().next_due(at(100)) is None


def test_every_epoch_says_whether_the_step_just_done_ends_one():
    schedule = EveryEpoch()
    assert [step for step in range(26) if schedule.is_due(at(step, 25, 10.0))] == [10, 20, 25]


def test_every_seconds_is_due_at_the_next_step_while_nothing_is_measured():
    assert EverySeconds(10.0).next_due(at(7)) == 8


@pytest.mark.parametrize(("seconds_per_step", "expected"), [(0.5, 20), (3.0, 3), (20.0, 1), (0.001, 100), (1e-12, 100)])
def test_every_seconds_counts_steps_by_their_measured_time(seconds_per_step, expected):
    assert EverySeconds(10.0).next_due(at(0, seconds_per_step=seconds_per_step)) == expected


def test_every_seconds_is_due_at_the_last_step_and_not_behind_it():
    assert due(EverySeconds(10.0), 50, seconds_per_step=0.5) == [20, 40, 50]
    assert EverySeconds(10.0).next_due(at(100, seconds_per_step=0.5)) is None


def test_first_of_is_due_whenever_one_of_several_is():
    assert due(FirstOf((EverySteps(10), EverySteps(15), AtEnd())), 37) == [10, 15, 20, 30, 37]
    assert due(FirstOf((Never(),)), 37) == []
    assert due(FirstOf(()), 37) == []


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EverySteps(0), r"^`steps` must be at least 1\. Received: steps=0\.$"),
        (lambda: EveryEpoch(0.0), r"^`epochs` must be positive\. Received: epochs=0\.0\.$"),
        (lambda: EverySeconds(-1.0), r"^`seconds` must be positive\. Received: seconds=-1\.0\.$"),
    ],
)
def test_refuses_to_be_due_without_end(make, message):
    with pytest.raises(ValueError, match=message):
        make()


simple = st.one_of(
    st.just(Never()),
    st.just(AtEnd()),
    st.integers(1, 500).map(EverySteps),
    st.floats(0.05, 20).map(EveryEpoch),
    st.floats(0.01, 100).map(EverySeconds),
)
schedules = st.one_of(simple, st.lists(simple, max_size=4).map(lambda found: FirstOf(tuple(found))))
progresses = st.builds(
    Progress,
    step=st.integers(0, 10**5),
    max_step=st.integers(0, 10**5),
    steps_per_epoch=st.floats(0.1, 5000),
    seconds_per_step=st.one_of(st.just(0.0), st.floats(1e-6, 100)),
)


@given(schedules, progresses)
def test_the_next_due_step_is_ahead_and_within_the_run(schedule, progress):
    step = schedule.next_due(progress)
    assert step is None or (isinstance(step, int) and progress.step < step <= progress.max_step)


@given(schedules, progresses)
def test_asking_changes_nothing(schedule, progress):
    before = (repr(schedule), repr(progress))
    assert schedule.next_due(progress) == schedule.next_due(progress)
    assert (repr(schedule), repr(progress)) == before


@given(schedules.filter(lambda schedule: "Seconds" not in repr(schedule)), progresses, st.integers(1, 5000))
def test_no_due_step_is_passed_over(schedule, progress, ahead):
    """Asked later but before the due step, the answer is the same; asked behind it, it is later."""
    step = schedule.next_due(progress)
    later = schedule.next_due(dataclasses.replace(progress, step=progress.step + ahead))
    if step is None:
        assert later is None
    elif progress.step + ahead < step:
        assert later == step
    else:
        assert later is None or later > step
