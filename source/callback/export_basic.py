"""Restores the newest checkpoint, or pretrained weights, before an export; neither is an error."""

from source.callback import _restore, callback
from source.config import settings
from source.config.config import CallbackConfig

Config = CallbackConfig


def build(config: CallbackConfig) -> callback.Callback:
    """Returns the callback that restores before an export.

    Args:
        config: `pretrained_model` and `skip_pretrained_var` are read.
    """
    return _ExportBasic(settings.adopt(Config, config))


class _ExportBasic(_restore.RestoreCheckpoint):
    modes = frozenset({"export"})
