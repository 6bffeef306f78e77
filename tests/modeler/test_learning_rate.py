import keras
import numpy as np
import pytest

from source.config.config import ModelerConfig
from source.modeler import _learning_rate


def rates(steps, *, steps_per_epoch=10.0, max_step=100, batch_size=64, **settings):
    schedule = _learning_rate.create(ModelerConfig(**settings), steps_per_epoch, max_step, batch_size)
    return [float(schedule(step)) for step in steps]


def test_steps_begin_the_next_factor_at_their_epoch():
    settings = {"piecewise_boundaries": (2, 4.5), "piecewise_lr_decay": (1, 0.1, 0.01), "learning_rate": 0.5}
    np.testing.assert_array_equal(
        np.float32(rates([0, 19, 20, 44, 45, 99], **settings)),
        np.float32([0.5, 0.5, 0.05, 0.05, 0.005, 0.005]),
    )


def test_steps_without_boundaries_are_one_factor():
    assert rates([0, 99], learning_rate=0.5, piecewise_lr_decay=(0.5,)) == [0.25, 0.25]


def test_constant_stays():
    assert rates([0, 10**9], lr_method="constant", learning_rate=0.25) == [0.25, 0.25]


def test_linear_reaches_zero_at_the_last_step_and_stays():
    np.testing.assert_allclose(
        rates([0, 25, 50, 99, 100, 200], lr_method="linear", learning_rate=1.0),
        [1, 0.75, 0.5, 0.01, 0, 0],
        rtol=1e-5,  # 1 - 0.99 in float32
    )


def test_linear_falls_from_the_full_rate_after_warm_up():
    found = rates([0, 1, 18, 19, 20, 60, 100], lr_method="linear", learning_rate=1.0, warmup_epochs=2)
    np.testing.assert_allclose(found, [0.05, 0.1, 0.95, 1, 1, 0.5, 0], rtol=1e-6)


def test_cosine_is_half_a_wave():
    found = rates([0, 25, 50, 75, 100, 150], lr_method="cosine", learning_rate=2.0)
    half = np.sqrt(0.5)
    np.testing.assert_allclose(found, [2, 1 + half, 1, 1 - half, 0, 0], atol=1e-6)


def test_cosine_after_warm_up():
    found = rates([9, 10, 55, 100], lr_method="cosine", learning_rate=1.0, warmup_epochs=1)
    np.testing.assert_allclose(found, [1, 1, 0.5, 0], atol=1e-6)


def test_exponential_falls_by_its_factor_in_its_epochs():
    settings = {"lr_method": "exponential", "learning_rate": 1.0, "exponential_decay": 0.5}
    found = rates([0, 10, 30, 60], exponential_epochs=3, **settings)
    np.testing.assert_allclose(found, [1, 0.5 ** (1 / 3), 0.5, 0.25], rtol=1e-6)


def test_exponential_begins_to_fall_after_warm_up():
    settings = {"lr_method": "exponential", "learning_rate": 1.0, "exponential_decay": 0.5}
    found = rates([0, 10, 20], exponential_epochs=1, warmup_epochs=1, **settings)
    np.testing.assert_allclose(found, [0.1, 1, 0.5], rtol=1e-6)


def test_the_rate_grows_with_the_root_of_the_batch():
    assert rates([0], learning_rate=0.5, base_batch_size=16, batch_size=64) == [1.0]


@pytest.mark.parametrize("method", ["step", "linear", "cosine", "exponential"])
def test_without_training_data_the_rate_is_constant(method):
    assert rates([0, 5], lr_method=method, learning_rate=0.5, steps_per_epoch=0.0, max_step=0) == [0.5, 0.5]


@pytest.mark.parametrize(
    ("epochs", "per_epoch", "expected"),
    [(2, 390.625, 781), (3, 49 / 3, 49), (0.1, 30, 3), (7, 1 / 7, 1), (0, 10, 0)],
)
def test_epochs_become_whole_steps_that_are_done(epochs, per_epoch, expected):
    assert _learning_rate.steps(epochs, per_epoch) == expected


@pytest.mark.parametrize(
    "schedule",
    [
        _learning_rate.Constant(0.1, 3),
        _learning_rate.PiecewiseConstant(0.1, [5, 9], [1.0, 0.5, 0.1], 3),
        _learning_rate.Linear(0.1, 20, 3),
        _learning_rate.Cosine(0.1, 20, 3),
        _learning_rate.Exponential(0.1, 0.9, 2.5, 3),
    ],
    ids=lambda schedule: type(schedule).__name__,
)
def test_schedules_are_rebuilt_from_their_configuration(schedule):
    again = type(schedule).from_config(schedule.get_config())
    assert [float(again(step)) for step in range(25)] == [float(schedule(step)) for step in range(25)]
    optimizer = keras.optimizers.SGD(schedule)
    assert float(optimizer.learning_rate) == float(schedule(0))
