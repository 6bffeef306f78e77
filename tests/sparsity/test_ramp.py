"""Tests of sparsity over steps."""

import math

import pytest

from source.config.errors import ConfigError, UnknownNameError
from source.sparsity.ramp import Constant, Cyclic, OneShot, Polynomial, make_ramp

RAMPS = (
    OneShot(step=5, final=0.8),
    Constant(final=0.5, begin=3, end=20, every=4),
    Polynomial(initial=0.2, final=0.9, begin=10, end=40, every=7),
    Cyclic(initial=0.1, final=0.7, begin=4, period=12, cycles=3, every=4),
    Cyclic(final=0.5, period=6, every=2, wave="sawtooth"),
)


def due_steps(ramp) -> list[int]:
    return [step for step in range(ramp.last_step + 50) if ramp.is_due(step)]


@pytest.mark.parametrize("ramp", RAMPS, ids=str)
def test_sparsity_changes_at_due_steps_only_and_not_after_the_last(ramp):
    changes = [step for step in range(1, 200) if ramp.value(step) != ramp.value(step - 1)]
    assert set(changes) <= set(due_steps(ramp))
    assert due_steps(ramp)[-1] == ramp.last_step
    assert ramp.value(10**9) == ramp.value(ramp.last_step) == ramp.final
    first = due_steps(ramp)[0]
    assert all(ramp.value(step) == 0.0 for step in range(first))


@pytest.mark.parametrize("ramp", RAMPS, ids=str)
def test_the_next_due_step_leads_through_all_of_them(ramp):
    found, step = [], -1
    while (step := ramp.next_due(step)) is not None:
        found.append(step)
    assert found == due_steps(ramp)
    for step in range(-1, ramp.last_step + 3):
        assert ramp.next_due(step) == next((due for due in found if due > step), None)


@pytest.mark.parametrize("ramp", RAMPS, ids=str)
def test_the_text_of_a_ramp_is_how_it_is_made(ramp):
    kind, _, arguments = str(ramp).partition("(")
    settings = dict(each.split("=") for each in arguments.removesuffix(")").split(", "))
    numbers = {name: value.strip("'") if name == "wave" else float(value) for name, value in settings.items()}
    assert make_ramp(kind, **numbers) == ramp
    assert hash(make_ramp(kind, **numbers)) == hash(ramp)


def test_one_shot():
    ramp = make_ramp("one_shot", final=0.8)
    assert due_steps(ramp) == [0]
    assert ramp.value(0) == 0.8
    assert str(ramp) == "one_shot(step=0, final=0.8)"


def test_constant():
    ramp = Constant(final=0.5, begin=3, end=20, every=4)
    assert due_steps(ramp) == [3, 7, 11, 15, 19, 20]
    assert [ramp.value(step) for step in (2, 3, 20)] == [0.0, 0.5, 0.5]


def test_polynomial():
    ramp = Polynomial(final=0.9, begin=10, end=20, every=5)
    assert due_steps(ramp) == [10, 15, 20]
    assert ramp.value(15) == ramp.value(19) == 0.9 + (0.0 - 0.9) * 0.5**3
    assert ramp.value(10) == 0.0
    linear = Polynomial(initial=0.5, final=0.1, begin=0, end=4, power=1, every=1)
    assert [linear.value(step) for step in range(5)] == pytest.approx([0.5, 0.4, 0.3, 0.2, 0.1], abs=1e-15)  # an ulp


def test_an_end_between_is_due_too():
    assert due_steps(Polynomial(final=0.9, end=10, every=4)) == [0, 4, 8, 10]


def test_cycles_rise_to_the_end_and_fall_back():
    ramp = Cyclic(initial=0.2, final=0.6, begin=10, period=4, cycles=2, every=1, wave="sawtooth")
    expected = [0.2, 0.3, 0.4, 0.5, 0.6, 0.3, 0.4, 0.5, 0.6]
    assert [ramp.value(step) for step in range(10, 19)] == pytest.approx(expected, abs=1e-15)  # an ulp
    assert ramp.last_step == 18
    cosine = Cyclic(final=0.5, period=4, every=2)
    assert [cosine.value(step) for step in (0, 2, 4)] == pytest.approx([0.0, 0.25, 0.5], abs=1e-15)
    assert due_steps(cosine) == [0, 2, 4]


def test_density_is_what_was_meant():
    assert OneShot(final=0.9).density(0) == 0.1  # 1 - 0.9 is 0.09999999999999998
    assert OneShot(step=3, final=0.9).density(2) == 1.0


def test_whole_numbers_may_be_written_with_a_point():
    assert make_ramp("one_shot", step=3.0, final=0.5) == OneShot(step=3, final=0.5)


@pytest.mark.parametrize(
    ("kind", "numbers", "message"),
    [
        ("one_shot", {"final": 0.0}, r"`final` must be in \(0, 1\). Received: final=0.0."),
        ("one_shot", {"final": 1}, r"`final` must be in \(0, 1\). Received: final=1."),
        ("one_shot", {"final": math.nan}, r"`final` must be in \(0, 1\). Received: final=nan."),
        ("one_shot", {"final": True}, r"`final` must be in \(0, 1\). Received: final=True."),
        ("one_shot", {"final": 0.5, "step": -1}, "`step` must be an integer, at least 0. Received: step=-1."),
        ("one_shot", {"final": 0.5, "step": 0.5}, "`step` must be an integer, at least 0. Received: step=0.5."),
        ("one_shot", {"final": 0.5, "step": math.inf}, "`step` must be an integer, at least 0. Received: step=inf."),
        ("one_shot", {"final": 0.5, "step": "3"}, "`step` must be an integer, at least 0. Received: step='3'."),
        ("constant", {"final": 0.5, "begin": 5, "end": 4}, "`end` must not be before `begin`=5. Received: end=4."),
        ("constant", {"final": 0.5, "end": 4, "every": 5}, "`every` must be at most end - begin = 4, or nothing happ"),
        ("constant", {"final": 0.5, "end": 4, "every": 0}, "`every` must be an integer, at least 1. Received: every=0"),
        ("polynomial", {"final": 0.5, "end": 100, "begin": 100}, "`every` must be at most end - begin = 0, or nothing"),
        ("polynomial", {"final": 0.5, "end": 50}, "or nothing happens between. Received: every=100."),
        ("polynomial", {"final": 0.0, "end": 500}, "`final` must be positive when `initial` is 0, or nothing is ever"),
        ("polynomial", {"final": 0.5, "initial": 1.0, "end": 500}, r"`initial` must be in \[0, 1\). Received: initial"),
        ("polynomial", {"final": 0.5, "power": 0, "end": 500}, "`power` must be positive. Received: power=0."),
        ("cyclic", {"final": 0.5, "initial": 0.5, "period": 300}, "`final` must not be the initial sparsity. Received"),
        (
            "cyclic",
            {"final": 0.5, "period": 250},
            "`period` must be a multiple of `every`=100, at least twice that. Re",
        ),
        ("cyclic", {"final": 0.5, "period": 100}, "at least twice that. Received: period=100."),
        ("cyclic", {"final": 0.5, "period": 200, "cycles": 0}, "`cycles` must be an integer, at least 1. Received: cy"),
        ("cyclic", {"final": 0.5, "period": 200, "wave": "sine"}, "Received: wave='sine'. Did you mean `cosine`?"),
        ("constant", {"final": 0.5, "end": 4, "evry": 2}, "The ramp `constant` has no `evry`. Did you mean `every`?"),
        ("polynomial", {}, "The ramp `polynomial` needs `final` and `end`."),
    ],
)
def test_ramps_that_cannot_be_or_never_fire_are_refused(kind, numbers, message):
    with pytest.raises(ConfigError, match=message):
        make_ramp(kind, **numbers)


def test_an_unknown_kind_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"There is no ramp `polinomial`. Did you mean `polynomial`?"):
        make_ramp("polinomial", final=0.5)
