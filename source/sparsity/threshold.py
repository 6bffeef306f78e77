"""Masks by a threshold of magnitudes, mean + alpha * standard deviation, with and without hysteresis.

Statistics are of all entries, pruned ones included, so that a threshold does not rise with what it prunes. Sums have
a fixed order: masks are the same in eager, graph and compiled execution.
"""

import math

from keras import ops

from source.config.errors import ConfigError
from source.numeric import _bits
from source.numeric._bits import Tensor
from source.sparsity import _count
from source.sparsity._select import from_keys, kth_largest, order_keys
from source.sparsity._sum import column_sums, settled


def mean_std_threshold(w: Tensor, alpha: float | Tensor) -> Tensor:
    """Returns mean |w| + alpha * std |w|, with the standard deviation of the population.

    Args:
        w: floating point, of known shape, at least one entry.
        alpha: any number; larger is sparser.

    Returns:
        float32 scalar.
    """
    mean, deviation = _statistics(_magnitudes(w))
    return mean + settled(deviation * ops.cast(alpha, "float32"))


def threshold_mask(w: Tensor, alpha: float | Tensor) -> Tensor:
    """Returns where |w| is above the threshold.

    Args:
        w: as for `mean_std_threshold`.
        alpha: likewise.

    Returns:
        bool in the shape of w.
    """
    return ops.abs(ops.cast(w, "float32")) > mean_std_threshold(w, alpha)


def surgery_mask(
    w: Tensor, mask: Tensor, alpha: float | Tensor, on_factor: float = 1.1, off_factor: float = 0.9
) -> Tensor:
    """Returns the mask with entries spliced above on_factor * t and pruned up to off_factor * t; between, it stays.

    (mask or |w| > on_factor * t) and |w| > off_factor * t, where t is the threshold. Guo et al.: Dynamic network
    surgery, 2016, https://arxiv.org/abs/1608.04493

    Args:
        w: as for `mean_std_threshold`.
        mask: bool in the shape of w, the one before.
        alpha: as for `mean_std_threshold`.
        on_factor: at least `off_factor`.
        off_factor: positive.

    Raises:
        ConfigError: for factors that leave nothing between, and for a mask of another shape.
    """
    if not 0.0 < off_factor <= on_factor:
        raise ConfigError(
            f"`off_factor` must be positive and at most `on_factor`. Received: off_factor={off_factor}, "
            f"on_factor={on_factor}."
        )
    if tuple(mask.shape) != tuple(w.shape):
        raise ConfigError(f"A mask must have the shape of the weight, {tuple(w.shape)}. Received: {tuple(mask.shape)}.")
    threshold = mean_std_threshold(w, alpha)
    magnitudes = ops.abs(ops.cast(w, "float32"))
    spliced = ops.logical_or(ops.cast(mask, "bool"), magnitudes > threshold * on_factor)
    return ops.logical_and(spliced, magnitudes > threshold * off_factor)


def alpha_for_density(w: Tensor, density: float | Tensor) -> Tensor:
    """Returns the alpha with which `threshold_mask` keeps round(entries * density) entries.

    Its threshold lies in the middle between the last magnitude that is kept and the next. Where these are equal, or
    closer than the rounding of the threshold, the mask keeps another count; where all magnitudes are equal no alpha
    tells them apart.

    Args:
        w: as for `mean_std_threshold`.
        density: in [0, 1]; a scalar tensor counts in millionths.

    Returns:
        float32 scalar.

    Raises:
        ConfigError: for another density.
    """
    magnitudes = _magnitudes(w)
    mean, deviation = _statistics(magnitudes)
    count = int(magnitudes.shape[0])
    kept = _count.share(count, density)
    keys = order_keys(magnitudes[:, 0])
    largest = from_keys(ops.max(keys))
    # Beyond the ends any number does: above all magnitudes, or below them.
    above = ops.where(ops.equal(kept, 0), largest * 2.0 + 1.0, _ranked(keys, kept))
    below = ops.where(ops.equal(kept, count), _bits.float32(-1.0), _ranked(keys, kept + 1))
    threshold = below + (above - below) * 0.5
    return (threshold - mean) / ops.where(deviation > 0.0, deviation, ops.ones_like(deviation))


def _ranked(keys: Tensor, place: int | Tensor) -> Tensor:
    """Returns the number at a place counted from the largest, which is 1."""
    return from_keys(kth_largest(keys, place, axis=0))[0]


def _magnitudes(w: Tensor) -> Tensor:
    """Returns |w| as a column."""
    if not all(w.shape):  # a length may be unknown, or zero
        raise ConfigError(f"A threshold needs entries, and a known shape. Received: shape={tuple(w.shape)}.")
    return settled(ops.abs(ops.reshape(ops.cast(w, "float32"), (math.prod(w.shape), 1))))


def _statistics(magnitudes: Tensor) -> tuple[Tensor, Tensor]:
    """Returns mean and standard deviation of a column."""
    count = float(magnitudes.shape[0])
    mean = _bits.divide(column_sums(magnitudes)[0], count)
    variance = _bits.divide(column_sums(ops.square(magnitudes - mean))[0], count)
    return mean, ops.sqrt(variance)
