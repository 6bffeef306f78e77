"""What numbers of ramps must be: whole steps, sparsities that leave something, ranges in which something happens."""

from typing import Any

from source.config.errors import ConfigError


def whole(ramp: Any, name: str, least: int) -> None:
    """Refuses what is no integer of at least `least`; 1000.0 is one, and becomes 1000."""
    value = getattr(ramp, name)
    if not _is_number(value) or value % 1 != 0 or value < least:
        raise ConfigError(f"`{name}` must be an integer, at least {least}. Received: {name}={value!r}.")
    object.__setattr__(ramp, name, int(value))


def sparsity(ramp: Any, name: str, positive: bool = False) -> None:
    """Refuses what is no sparsity that leaves something, and none at all where one is needed."""
    value = getattr(ramp, name)
    if not _is_number(value) or not 0.0 <= value < 1.0 or (positive and value == 0.0):
        raise ConfigError(f"`{name}` must be in {'(' if positive else '['}0, 1). Received: {name}={value!r}.")
    object.__setattr__(ramp, name, float(value))


def two_sparsities(ramp: Any) -> None:
    """Refuses ramps that prune nothing."""
    sparsity(ramp, "initial")
    sparsity(ramp, "final")
    if ramp.initial == ramp.final == 0.0:
        raise ConfigError(
            "`final` must be positive when `initial` is 0, or nothing is ever pruned. Received: final=0.0."
        )


def check_range(ramp: Any) -> None:
    """Refuses a ramp that ends before it begins."""
    whole(ramp, "begin", least=0)
    whole(ramp, "every", least=1)
    if ramp.last_step < ramp.begin:
        raise ConfigError(f"`end` must not be before `begin`={ramp.begin}. Received: end={ramp.last_step}.")


def check_every(ramp: Any) -> None:
    """Refuses a ramp that is due at its ends alone, or at one step."""
    length = ramp.last_step - ramp.begin
    if ramp.every > length:
        raise ConfigError(
            f"`every` must be at most end - begin = {length}, or nothing happens between. Received: every={ramp.every}."
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
