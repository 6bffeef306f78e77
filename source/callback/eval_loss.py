"""Prints the mean loss of an evaluation."""

from collections.abc import Mapping

from source.callback import _text, callback
from source.config import settings
from source.config.config import CallbackConfig

Config = CallbackConfig


def build(config: CallbackConfig) -> callback.Callback:
    """Returns the callback that prints the loss of evaluations, also of those between training steps.

    Args:
        config: what every callback knows; nothing of it is read.
    """
    return _EvalLoss(settings.adopt(Config, config))


class _EvalLoss(callback.Callback):
    modes = frozenset({"train", "evaluate"})

    def after_evaluate(self, run: callback.Run, metrics: Mapping[str, float]) -> Mapping[str, str] | None:
        return {"eval_loss": _text.significant(_text.pick(metrics, "loss", "eval_loss"))}
