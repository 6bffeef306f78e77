"""Restores the newest checkpoint, or pretrained weights, before inference; neither is an error."""

from source.callback import _restore, callback
from source.config import settings
from source.config.config import CallbackConfig

Config = CallbackConfig


def build(config: CallbackConfig) -> callback.Callback:
    """Returns the callback that restores before inference.

    Args:
        config: `pretrained_model` and `skip_pretrained_var` are read.
    """
    return _InferBasic(settings.adopt(Config, config))


class _InferBasic(_restore.RestoreCheckpoint):
    modes = frozenset({"infer"})
