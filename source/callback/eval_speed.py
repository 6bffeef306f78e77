"""Prints how long an evaluation took and how many examples a second it saw."""

from collections.abc import Mapping

from source.callback import _text, callback
from source.config import settings
from source.config.config import CallbackConfig

Config = CallbackConfig


def build(config: CallbackConfig) -> callback.Callback:
    """Returns the callback that prints the speed of evaluations, also of those between training steps.

    Args:
        config: what every callback knows; nothing of it is read.
    """
    return _EvalSpeed(settings.adopt(Config, config))


class _EvalSpeed(callback.Callback):
    modes = frozenset({"train", "evaluate"})

    def after_evaluate(self, run: callback.Run, metrics: Mapping[str, float]) -> Mapping[str, str] | None:
        examples = _text.pick(metrics, "examples", "eval_speed")
        seconds = _text.pick(metrics, "seconds", "eval_speed")
        return {"eval_speed": _text.speed(examples, seconds), "eval_time": _text.duration(seconds)}
