"""How callbacks pick scalars by name and write them for people."""

import math
from collections.abc import Mapping

from source.config.errors import ConfigError
from source.config.nearest import did_you_mean


def pick(scalars: Mapping[str, float], name: str, asker: str) -> float:
    """Returns the scalar called `name`.

    Args:
        scalars: scalars by name: the outputs of the modeler, or the metrics of an evaluation.
        name: the wanted one.
        asker: what wants it, such as "train_loss", to begin the message with.

    Raises:
        ConfigError: if there is none of this name; the nearest names are offered.
    """
    if name not in scalars:
        raise ConfigError(f"{asker}: nothing called `{name}` is measured. {did_you_mean(name, scalars)}")
    return scalars[name]


def pick_accuracies(scalars: Mapping[str, float], asker: str) -> dict[str, float]:
    """Returns all accuracies: `accuracy`, `top_5_accuracy`, and whatever else ends in `accuracy`.

    Args:
        scalars: scalars by name.
        asker: what wants them, such as "train_accuracy", to begin the message with.

    Raises:
        ConfigError: if there is none.
    """
    found = {name: value for name, value in scalars.items() if name.split("_")[-1] == "accuracy"}
    return found or {"accuracy": pick(scalars, "accuracy", asker)}


def significant(value: float) -> str:
    """Returns `value` with four significant digits: 0.25 as "0.2500", 1234.5 as "1234"."""
    return f"{value:#.4g}".rstrip(".")


def speed(examples: float, seconds: float) -> str:
    """Returns examples / seconds as text: "31,000 examples/s"; "-" when no time was measured.

    From 10 on there are no decimals, because the last digits change from one moment to the next.
    """
    if not seconds > 0:
        return "-"
    rate = examples / seconds
    return f"{rate:,.0f} examples/s" if rate >= 10 else f"{rate:.2f} examples/s"


def duration(seconds: float) -> str:
    """Returns a time for people: "0.42 s", "12 s", "3:05", "1:02:03"; "?" when it is not finite."""
    if not math.isfinite(seconds):
        return "?"
    if seconds < 10:
        return f"{seconds:.2f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
