"""Steps of a schedule as shares of training: `end_step: 50%` is half of the steps, however many those are."""

import re
from collections.abc import Mapping
from typing import Any

from source.config.errors import ConfigError

# Settings are checked before the number of steps is known: as if there were so many that no two shares fall together.
MANY_STEPS = 1_000_000
_STEPS = ("_step", "_steps")
_SHARE = re.compile(r"\s*(\d{1,3}(?:\.\d*)?|\.\d+)\s*%\s*")


def is_share(name: str, value: Any) -> bool:
    """Whether a setting is of steps, and its value a share of training, such as "50%", or a list with one.

    Args:
        name: of the setting; steps end in `_step` or `_steps`.
        value: as it was written.
    """
    if isinstance(value, (list, tuple)):
        return any(is_share(name, each) for each in value)
    return name.endswith(_STEPS) and isinstance(value, str) and bool(_SHARE.fullmatch(value))


def has_shares(settings: Any) -> bool:
    """Whether a value anywhere in some settings is a share of training.

    Args:
        settings: mappings and lists in any depth.
    """
    if isinstance(settings, Mapping):
        return any(is_share(name, value) or has_shares(value) for name, value in settings.items())
    return isinstance(settings, (list, tuple)) and any(map(has_shares, settings))


def in_steps(settings: Any, total_steps: int) -> Any:
    """Returns settings with steps in the place of shares: round(share * total_steps), at least 1 for a share above 0.

    Args:
        settings: mappings and lists in any depth; they stay as they are.
        total_steps: of the training, positive.

    Raises:
        ConfigError: for a share above 100 %.
    """
    if isinstance(settings, Mapping):
        return {name: _value(name, value, total_steps) for name, value in settings.items()}
    if isinstance(settings, (list, tuple)):
        return type(settings)(in_steps(each, total_steps) for each in settings)
    return settings


def _value(name: str, value: Any, total_steps: int) -> Any:
    if not is_share(name, value):
        return in_steps(value, total_steps)
    if isinstance(value, (list, tuple)):
        return type(value)(_value(name, each, total_steps) for each in value)
    share = float(value.replace("%", ""))
    if share > 100:
        raise ConfigError(f"`{name}` must be at most 100%, the end of training. Received: {name}={value!r}.")
    return max(round(total_steps * share / 100), 1 if share else 0)
