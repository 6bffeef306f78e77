"""What is written of a window: means, the learning rate in force, and the speed."""

from collections.abc import Mapping

from source.callback import callback


def of_window(window: callback.Window) -> dict[str, float]:
    """Returns the means of the window, with the learning rate of its last step.

    A learning rate that changed within the window has no mean that was ever in force.
    """
    scalars = dict(window.mean)
    if "learning_rate" in window.last:
        scalars["learning_rate"] = window.last["learning_rate"]
    return scalars


def speed_of(window: callback.Window) -> dict[str, float]:
    """Returns `examples_per_second` of the window; nothing if no time was measured."""
    return {"examples_per_second": window.examples / window.seconds} if window.seconds > 0 else {}


def of_evaluation(metrics: Mapping[str, float]) -> dict[str, float]:
    """Returns the results of an evaluation, without how much it saw and how long it took."""
    return {name: value for name, value in metrics.items() if name not in ("examples", "seconds")}
