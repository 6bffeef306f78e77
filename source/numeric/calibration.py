"""Limits of numbers seen batch by batch: what a format with given limits is told after calibration.

An observer collects with `observe`, and `limits` freezes it: the pair of smallest and largest number to round to. All
work on the host, with float64 sums and exact counts, so that the order of batches matters to the moving average only.
Formats that take no limits, such as those with blocks, have their largest numbers cut off: `ClippingRatio`.
"""

from source.numeric._observer import Observer
from source.numeric.calibration_histogram import LeastDivergence, LeastError, Percentile
from source.numeric.calibration_range import MinMax, MovingAverage
from source.numeric.clipping import ClippingRatio

__all__ = ["ClippingRatio", "LeastDivergence", "LeastError", "MinMax", "MovingAverage", "Observer", "Percentile"]
