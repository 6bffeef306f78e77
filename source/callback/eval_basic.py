"""Restores the newest checkpoint before evaluation; a missing one is an error."""

from source.callback import _restore, callback
from source.config import settings
from source.config.config import CallbackConfig

Config = CallbackConfig


def build(config: CallbackConfig) -> callback.Callback:
    """Returns the callback that restores before evaluation.

    Args:
        config: what every callback knows; nothing of it is read.
    """
    return _EvalBasic(settings.adopt(Config, config))


class _EvalBasic(_restore.RestoreCheckpoint):
    modes = frozenset({"evaluate"})
