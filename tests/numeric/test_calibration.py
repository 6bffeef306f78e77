"""Tests of what all observers do: their life, their settings, and formats of every kind within their limits."""

import numpy as np
import pytest

from source.config.errors import ConfigError, DataError
from source.numeric import number_format
from source.numeric.calibration import (
    ClippingRatio,
    LeastDivergence,
    LeastError,
    MinMax,
    MovingAverage,
    Observer,
    Percentile,
)

within = number_format("int8").round_within
MAKERS = {
    "MinMax": MinMax,
    "MovingAverage": MovingAverage,
    "Percentile": Percentile,
    "LeastError": lambda **settings: LeastError(within, **settings),
    "LeastDivergence": lambda **settings: LeastDivergence(within, **settings),
}
every_observer = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


def subclasses(base: type) -> set[type]:
    return {base}.union(*(subclasses(each) for each in base.__subclasses__()))


def test_every_observer_is_tested():
    names = {each.__name__ for each in subclasses(Observer) if not each.__name__.startswith("_")}
    assert names == {"Observer", *MAKERS}


@pytest.mark.parametrize("make", [*MAKERS.values(), lambda: ClippingRatio(number_format("mxfp4"))])
def test_the_life_of_an_observer(make):
    def read(observer):
        return observer.limits() if isinstance(observer, Observer) else observer.ratio()

    with pytest.raises(DataError, match=r"Calibration has seen no numbers: call `observe` first."):
        read(make())
    observer = make()
    for bad in (np.zeros(0), np.asarray([1.0, np.nan])):
        with pytest.raises(DataError, match=r"Calibration needs finite numbers, at least one. Received: shape="):
            observer.observe(bad)
    observer.observe(np.asarray([1.0, -2.0]))
    read(observer)
    with pytest.raises(DataError, match=r"Calibration has ended: limits were read. Use a new observer to begin again."):
        observer.observe(np.asarray([1.0]))


@every_observer
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_channels_have_the_limits_that_they_have_alone(make, axis):
    random = np.random.default_rng(0)
    batches = [(random.normal(size=(3, 3, 50)) * [[[1.0], [9.0], [0.1]]]).astype(np.float32) for _ in range(2)]
    together = make(axis=axis)
    for batch in batches:
        together.observe(batch)
    low, high = together.limits()
    assert low.shape == tuple(length if place == axis % 3 else 1 for place, length in enumerate((3, 3, 50)))
    for channel in range(3):
        alone = make()
        for batch in batches:
            alone.observe(np.take(batch, channel, axis=axis))
        ends = (np.take(low, channel, axis=axis).item(), np.take(high, channel, axis=axis).item())
        assert ends == alone.limits()


@every_observer
def test_batches_must_have_the_same_channels(make):
    observer = make(axis=-1)
    observer.observe(np.ones((4, 3)))
    with pytest.raises(DataError, match=r"Batches must have the same channels. Received: \(1, 3\), \(1, 2\)."):
        observer.observe(np.ones((4, 2)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MovingAverage(1.0), r"`momentum` must be in \[0, 1\). Received: momentum=1.0."),
        (lambda: Percentile(0.0), r"`percent` must be in \(0, 100\]. Received: percent=0.0."),
        (lambda: LeastError(within, 0), r"`candidates` must be positive. Received: candidates=0."),
        (lambda: LeastDivergence(within, 0), r"`candidates` must be positive. Received: candidates=0."),
        (lambda: ClippingRatio(number_format("mxfp4"), candidates=0), "`candidates` must be positive. Received"),
    ],
)
def test_impossible_settings_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
