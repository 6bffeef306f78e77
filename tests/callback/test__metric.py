import math

import pytest

from source.callback import _metric
from source.config.errors import ConfigError


@pytest.mark.parametrize(
    ("name", "goal"),
    [
        ("accuracy", "max"),
        ("top_5_accuracy", "max"),
        ("mean_iou", "max"),
        ("loss", "min"),
        ("top_1_error", "min"),
        ("accuracy_loss", "min"),
        ("glossy", "auto"),
    ],
)
def test_names_tell_whether_high_is_good(name, goal):
    assert _metric.told_by_name(name) == goal


def test_the_goal_must_be_given_where_the_name_does_not_tell():
    message = (
        r"^`goal` must be 'max' or 'min', because the name of the metric `speed` does not tell\. "
        r"Received: goal='auto'\.$"
    )
    with pytest.raises(ValueError, match=message):
        _metric.require_goal("speed", "auto")
    _metric.require_goal("speed", "max")
    _metric.require_goal("loss", "auto")


def test_better_is_higher_or_lower_by_the_goal_and_by_more_than_the_margin():
    high, low = _metric.Watched("accuracy", "auto"), _metric.Watched("accuracy", "min")
    assert high.is_better(0.6, 0.5) and not low.is_better(0.6, 0.5)
    assert low.is_better(0.4, 0.5) and not high.is_better(0.4, 0.5)
    assert high.is_better(0.1, None)
    assert not high.is_better(0.5, 0.5)
    assert not high.is_better(0.75, 0.5, by=0.25) and high.is_better(0.76, 0.5, by=0.25)


def test_reads_finite_values_only():
    watched = _metric.Watched("loss", "auto")
    assert watched.read({"loss": 0.5}, "asker") == 0.5
    assert watched.read({"loss": math.nan}, "asker") is None
    assert watched.read({"loss": math.inf}, "asker") is None
    with pytest.raises(ConfigError, match=r"^asker: nothing called `loss` is measured\. Known: accuracy\.$"):
        watched.read({"accuracy": 0.5}, "asker")
