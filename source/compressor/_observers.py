"""Which observer finds the limits of activations, by name."""

from typing import Literal

from source.layer.calibrated_quantize import CalibratedQuantize
from source.numeric.calibration import LeastDivergence, LeastError, MinMax, MovingAverage, Observer, Percentile
from source.numeric.integer import AffineInteger, SymmetricInteger

ObserverName = Literal["min_max", "moving_average", "percentile", "least_error", "kl"]


def observer(name: ObserverName, rounding: CalibratedQuantize, momentum: float, percent: float) -> Observer:
    """Returns what looks at the numbers that a rounding will get.

    Args:
        name: of the observer.
        rounding: whose width matters to "least_error" and "kl".
        momentum: of "moving_average".
        percent: of "percentile".
    """
    format = (SymmetricInteger if rounding.symmetric else AffineInteger)(rounding.width)
    if name == "moving_average":
        return MovingAverage(momentum)
    if name == "percentile":
        return Percentile(percent)
    if name == "least_error":
        return LeastError(format.round_within)
    return LeastDivergence(format.round_within) if name == "kl" else MinMax()
