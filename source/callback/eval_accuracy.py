"""Prints the accuracy of an evaluation: top-1, and top-k where the modeler measures it."""

from collections.abc import Mapping

from source.callback import _text, callback
from source.config import settings
from source.config.config import CallbackConfig

Config = CallbackConfig


def build(config: CallbackConfig) -> callback.Callback:
    """Returns the callback that prints the accuracy of evaluations, also of those between training steps.

    Args:
        config: what every callback knows; nothing of it is read.
    """
    return _EvalAccuracy(settings.adopt(Config, config))


class _EvalAccuracy(callback.Callback):
    modes = frozenset({"train", "evaluate"})

    def after_evaluate(self, run: callback.Run, metrics: Mapping[str, float]) -> Mapping[str, str] | None:
        accuracies = _text.pick_accuracies(metrics, "eval_accuracy")
        return {f"eval_{name}": f"{value:.4f}" for name, value in accuracies.items()}
