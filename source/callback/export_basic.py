"""Restores the newest checkpoint before an export; a missing one is an error."""

from source.callback import _restore, callback
from source.config import settings
from source.config.config import CallbackConfig

Config = CallbackConfig


def build(config: CallbackConfig) -> callback.Callback:
    """Returns the callback that restores before an export.

    Args:
        config: what every callback knows; nothing of it is read.
    """
    return _ExportBasic(settings.adopt(Config, config))


class _ExportBasic(_restore.RestoreCheckpoint):
    modes = frozenset({"export"})
