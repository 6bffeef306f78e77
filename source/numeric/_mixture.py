"""Two normal distributions fitted to the numbers of a tensor that are not zero: the same bits everywhere.

Numbers are counted in even bins, and expectation and maximization take turns on the counts (Dempster, Laird, Rubin:
Maximum likelihood from incomplete data via the EM algorithm, 1977). Sums are sums of integers, which no order
changes; exponentials and logarithms are looked up in tables, as those of backends differ in their last bits.
"""

from typing import NamedTuple

import numpy as np
from keras import ops

from source.numeric import _bits
from source.numeric._bits import Tensor

BINS = 512  # on each side of zero; in units of half a bin their centres are the odd integers
_ROUNDS = 20  # the separation of a normal distribution falls from 2.6 to 1.1, below the limit, which takes 3
_WEIGHT_BITS = 18  # of all counts together: sums of products then fit 31 bits
_SHARE_BITS = 10  # of the probability of a component
_OCTAVE = 64  # steps of a logarithm of two
_FARTHEST = 40 * _OCTAVE  # beyond, densities are the same to all purposes
_DECIDED = 12 * _OCTAVE  # beyond, the probability rounds to zero or one
_PART_BITS = 11  # of a squared distance of 22 bits
_FRACTION_BITS = 3  # of means and deviations in the comparison of distances
_SEPARATION = 2  # the paper's

_CENTRES = np.arange(-2 * BINS + 1, 2 * BINS, 2, dtype=np.int32)
_MANTISSAS = np.round(_OCTAVE * np.log2(1.0 + (np.arange(256) + 0.5) / 256)).astype(np.int32)
_SHARES = np.round(2**_SHARE_BITS / (1.0 + np.exp2(-np.arange(-_DECIDED, _DECIDED + 1) / _OCTAVE))).astype(np.int32)


class Mixture(NamedTuple):
    """Two components, the negative and the positive one.

    Attributes:
        means: float32 (2,).
        deviations: float32 (2,), positive.
        positive_bins: bool (2 * `BINS`,), whether the positive component is the more probable one of a bin.
        separated: a truth value, whether ((m+ - m-)^2 + (s+ - s-)^2) / s^2 is at least 2: the squared Wasserstein
            distance of the components over the variance of all numbers that are not zero.
    """

    means: Tensor
    deviations: Tensor
    positive_bins: Tensor
    separated: Tensor


def bin_scale(x: Tensor) -> Tensor:
    """Returns a power of two of which all finite |x| are less than the double: float32, with the rank of x."""
    largest = ops.minimum(_bits.largest_magnitude(x, tuple(range(len(x.shape)))), _bits.LARGEST)
    return _bits.power_of_two(ops.bitwise_and(largest, _bits.EXPONENT), 0, largest)


def bins_of(x: Tensor, scale: Tensor) -> Tensor:
    """Returns the bins of numbers, int32: the lower half are those of negative ones."""
    magnitude = ops.minimum(ops.bitwise_and(ops.view(x, "int32"), _bits.MAGNITUDE), _bits.LARGEST)
    position = ops.floor(ops.view(magnitude, "float32") * _bits.reciprocal(scale) * (BINS / 2))
    position = ops.cast(ops.minimum(position, BINS - 1.0), "int32")
    return ops.where(x < 0.0, BINS - 1 - position, BINS + position)


def fit(x: Tensor, live: Tensor) -> Mixture:
    """Returns the mixture of two normal distributions that begins as the negative and the positive numbers.

    Args:
        x: float32 numbers.
        live: which of them count.
    """
    scale = bin_scale(x)
    counts = count(bins_of(x, scale), live, 2 * BINS)
    total = ops.cast(ops.sum(counts), "float32")
    share = _bits.divide(_bits.float32(2.0**_WEIGHT_BITS), ops.maximum(total, 1.0))
    weights = ops.cast(ops.round(ops.cast(counts, "float32") * share), "int32")
    positive = ops.where(ops.convert_to_tensor(_CENTRES) > 0, weights, 0)
    positive = ops.fori_loop(0, _ROUNDS, lambda _, positive: _reweighted(weights, positive), positive)
    means, variances = _moments(ops.stack([weights - positive, positive, weights]))
    deviations = _root(variances)
    negative_cost, positive_cost = _costs(weights, positive)
    # Half a bin is the scale / 512.
    of_means, of_deviations = (
        ops.reshape(numbers[:2], (2,)) * (1.0 / BINS) * ops.reshape(scale, (1,)) for numbers in (means, deviations)
    )
    separated = _separated(means, deviations, variances)
    return Mixture(of_means, of_deviations, positive_cost <= negative_cost, separated)


def count(positions: Tensor, live: Tensor, length: int) -> Tensor:
    """Returns how many of the live numbers are at each of `length` positions: int32."""
    ones = ops.cast(ops.reshape(live, (-1,)), "int32")
    return ops.segment_sum(ones, ops.reshape(positions, (-1,)), num_segments=length)


def _reweighted(weights: Tensor, positive: Tensor) -> Tensor:
    """Returns the weights of the positive component after one more round."""
    negative_cost, positive_cost = _costs(weights, positive)
    difference = ops.clip(negative_cost - positive_cost, -_DECIDED, _DECIDED)
    shares = ops.take(ops.convert_to_tensor(_SHARES), difference + _DECIDED)
    return ops.right_shift(weights * shares + (1 << (_SHARE_BITS - 1)), _SHARE_BITS)


def _costs(weights: Tensor, positive: Tensor) -> tuple[Tensor, Tensor]:
    """Returns minus the logarithm of share times density of both components at the centres of bins, int32."""
    parts = ops.stack([weights - positive, positive])
    means, variances = _moments(parts)
    distance = ops.cast(ops.convert_to_tensor(_CENTRES[np.newaxis]), "float32") - means
    factor = _bits.divide(_bits.float32(_OCTAVE / 2 * np.log2(np.e)), variances)
    squares = ops.minimum(distance * distance * factor, float(_FARTHEST))
    shares = ops.cast(ops.maximum(ops.sum(parts, axis=1, keepdims=True), 1), "float32")
    constants = ops.right_shift(_logarithm(variances), 1) - _logarithm(shares)
    costs = ops.cast(ops.round(squares), "int32") + constants
    return costs[0], costs[1]


def _moments(parts: Tensor) -> tuple[Tensor, Tensor]:
    """Returns means and variances of weighted bins in units of half a bin: float32 (n, 1)."""
    centres = ops.convert_to_tensor(_CENTRES[np.newaxis])
    number = ops.cast(ops.maximum(ops.sum(parts, axis=1, keepdims=True), 1), "float32")
    means = ops.cast(ops.sum(parts * centres, axis=1, keepdims=True), "float32") / number
    distance = centres - ops.cast(ops.round(means), "int32")
    squares = distance * distance
    high = ops.sum(parts * ops.right_shift(squares, _PART_BITS), axis=1, keepdims=True)
    low = ops.sum(parts * ops.bitwise_and(squares, (1 << _PART_BITS) - 1), axis=1, keepdims=True)
    total = ops.cast(high, "float32") * 2.0**_PART_BITS + ops.cast(low, "float32")
    return means, ops.maximum(total / number, 1.0)  # half a bin: less is not seen


def _separated(means: Tensor, deviations: Tensor, variances: Tensor) -> Tensor:
    def squared(difference: Tensor) -> Tensor:
        integer = ops.cast(ops.round(difference * 2.0**_FRACTION_BITS), "int32")
        return integer * integer

    variance = ops.cast(ops.round(variances[2, 0] * 4.0**_FRACTION_BITS), "int32")
    distance = squared(means[1, 0] - means[0, 0]) + squared(deviations[1, 0] - deviations[0, 0])
    return distance >= variance * _SEPARATION


def _logarithm(x: Tensor) -> Tensor:
    """Returns log2 of positive numbers in steps of 1 / 64: int32."""
    bits = ops.view(x, "int32")
    exponent = ops.right_shift(bits, _bits.MANTISSA_BITS) - 127
    mantissa = ops.bitwise_and(ops.right_shift(bits, _bits.MANTISSA_BITS - 8), 255)
    return exponent * _OCTAVE + ops.take(ops.convert_to_tensor(_MANTISSAS), mantissa)


def _root(x: Tensor) -> Tensor:
    """Returns the square root of positive numbers by Newton's steps, which round alike everywhere."""
    root = ops.view(ops.right_shift(ops.view(x, "int32"), 1) + (127 << (_bits.MANTISSA_BITS - 1)), "float32")
    for _ in range(3):  # from 6 % away
        root = (root + x / root) * 0.5
    return root
