import math

import pytest

from source.callback import _text
from source.config.errors import ConfigError


def test_picks_by_name_or_offers_the_nearest():
    assert _text.pick({"loss": 1.5}, "loss", "asker") == 1.5
    with pytest.raises(ConfigError, match=r"^asker: nothing called `losss` is measured\. Did you mean `loss`\?$"):
        _text.pick({"loss": 1.5}, "losss", "asker")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4234, "0.42 s"),
        (12.3, "12 s"),
        (59.6, "1:00"),
        (185, "3:05"),
        (3723, "1:02:03"),
        (math.inf, "?"),
        (math.nan, "?"),
    ],
)
def test_writes_times_for_people(seconds, text):
    assert _text.duration(seconds) == text


@pytest.mark.parametrize(
    ("examples", "seconds", "text"),
    [(62000, 2, "31,000 examples/s"), (3, 2, "1.50 examples/s"), (1, 0, "-"), (1, math.nan, "-")],
)
def test_writes_speeds_for_people(examples, seconds, text):
    assert _text.speed(examples, seconds) == text
