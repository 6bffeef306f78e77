"""A check that the settings of several networks need."""

from typing import Any

from source.config.config import require


def require_shares(config: Any, *names: str) -> None:
    """Refuses a configuration one of whose named fields is not a share, from 0 to below 1.

    Args:
        config: the configuration, in its `__post_init__`.
        names: fields to look at.

    Raises:
        ValueError: "`name` must be from 0 to below 1. Received: name=value."
    """
    for name in names:
        value = getattr(config, name)
        require(0 <= value < 1, name, "from 0 to below 1", value)
