"""Restores the newest checkpoint before inference; a missing one is an error."""

from source.callback import _restore, callback
from source.config import settings
from source.config.config import CallbackConfig

Config = CallbackConfig


def build(config: CallbackConfig) -> callback.Callback:
    """Returns the callback that restores before inference.

    Args:
        config: what every callback knows; nothing of it is read.
    """
    return _InferBasic(settings.adopt(Config, config))


class _InferBasic(_restore.RestoreCheckpoint):
    modes = frozenset({"infer"})
