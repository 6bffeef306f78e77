"""Cutting off the largest numbers before rounding: for formats whose scales follow the numbers, such as blocks."""

from typing import Any

import numpy as np
from keras import ops

from source.config.errors import ConfigError, DataError
from source.numeric import _bits, _groups
from source.numeric._bits import Tensor
from source.numeric._groups import Group
from source.numeric._observer import Collector, nothing_seen
from source.numeric.format import NumberFormat, as_float32, as_given


def clip_groups(x: Any, ratio: Any, axis: int = -1, group: Group = "tensor") -> Any:
    """Returns x between -c * max |x| and c * max |x|, with the maximum of each tensor, channel or block.

    Args:
        x: a NumPy array or a tensor of floating point numbers.
        ratio: c, in (0, 1].
        axis: the axis along which blocks lie, or whose indices are the channels.
        group: "tensor", "channel", or the size of a block.

    Returns:
        float32 of the shape of x; a group with NaN is NaN as a whole.
    """
    blocks, axes, merge = _groups.split(as_float32(x), axis, group)
    limit = _bits.finite(_bits.largest_magnitude(blocks, axes)) * _bits.float32(ratio)
    return as_given(merge(ops.maximum(ops.minimum(blocks, limit), -limit)), x)


def round_clipped(numeric: NumberFormat, x: Any, ratio: Any, axis: int = -1, seed: int | Tensor | None = None) -> Any:
    """Returns x rounded after the largest numbers of what shares a scale were cut off, as `clip_groups` does.

    Args:
        numeric: any format.
        x: as for its `round`.
        ratio: in (0, 1], such as `ClippingRatio` finds.
        axis: as for `round`.
        seed: as for `round`.
    """
    return numeric.round(clip_groups(x, ratio, axis, numeric.sharing), axis, seed)


def best_limits(numeric: NumberFormat, x: np.ndarray, axis: int = -1, candidates: int = 20) -> np.ndarray:
    """Returns for each tensor, channel or block the limit at which rounding errs least in the square.

    `numeric.round(np.clip(x, -limits, limits), axis)` never errs more than `numeric.round(x, axis)`, all in all. What
    is searched are the shares 1, 1 - 1 / n, ... of max |x|, down to a half.

    Args:
        numeric: any format; groups are what shares a scale in it.
        x: finite float32 numbers, at least one.
        axis: as for `round`.
        candidates: n, how many shares are tried, positive.

    Returns:
        float32 of the shape of x.

    Raises:
        ConfigError: for no candidates.
        DataError: for no numbers, and for infinity and NaN.
    """
    numbers = np.asarray(x, np.float32)
    if not numbers.size or not np.isfinite(numbers).all():
        raise DataError(f"A search for limits needs finite numbers, at least one. Received: shape={numbers.shape}.")
    group = numeric.sharing
    whole = _spread(np.abs(numbers), np.maximum, axis, group)
    tried = [whole * np.float32(share) for share in _shares(candidates)]
    squares = [_squares(numeric, numbers, limits, axis) for limits in tried]
    sums = np.stack([_spread(each, np.add, axis, group) for each in squares])
    own = np.take_along_axis(np.stack(tried), np.argmin(sums, axis=0)[np.newaxis], axis=0)[0]
    # Groups may depend on each other through a scale of the tensor, as in NVFP4.
    totals = [each.sum() for each in (*squares, _squares(numeric, numbers, own, axis))]
    return [*tried, own][int(np.argmin(totals))]


class ClippingRatio(Collector):
    """The share of the largest number of each tensor, channel or block beyond which cutting off errs least.

    Attributes:
        numeric: any format.
        axis: as for its `round`.
        candidates: n, how many shares 1, 1 - 1 / n, ... are tried, down to a half.
    """

    def __init__(self, numeric: NumberFormat, axis: int = -1, candidates: int = 20) -> None:
        super().__init__()
        self.numeric = numeric
        self.axis = axis
        self.candidates = candidates
        self._errors = np.zeros(len(_shares(candidates)))
        self._seen = False

    def ratio(self) -> float:
        """Returns the share in (0, 1] that erred least in the square over all batches, and ends the collection.

        Raises:
            DataError: when nothing was observed.
        """
        self._frozen = True
        if not self._seen:
            raise nothing_seen()
        return float(_shares(self.candidates)[np.argmin(self._errors)])

    def _collect(self, x: np.ndarray) -> None:
        self._seen = True
        numbers = x.astype(np.float32)
        for place, share in enumerate(_shares(self.candidates)):
            rounded = np.asarray(round_clipped(self.numeric, numbers, share, self.axis), np.float64)
            self._errors[place] += np.square(rounded - numbers).sum()


def _shares(candidates: int) -> np.ndarray:
    if candidates < 1:
        raise ConfigError(f"`candidates` must be positive. Received: candidates={candidates}.")
    return 1.0 - 0.5 * np.arange(candidates) / candidates


def _squares(numeric: NumberFormat, x: np.ndarray, limits: np.ndarray, axis: int) -> np.ndarray:
    rounded = numeric.round(np.clip(x, -limits, limits), axis)
    return np.square(rounded.astype(np.float64) - x)


def _spread(x: np.ndarray, reduce: np.ufunc, axis: int, group: Group) -> np.ndarray:
    """Returns a reduction of each group at the places of its numbers."""
    if group == "tensor":
        return np.broadcast_to(reduce.reduce(x, axis=None), x.shape)
    axis = _groups.axis_from_start(axis, x.ndim)
    if group == "channel":
        others = tuple(other for other in range(x.ndim) if other != axis)
        return np.broadcast_to(reduce.reduce(x, axis=others, keepdims=True), x.shape)
    size, length = int(group), x.shape[axis]
    reduced = reduce.reduceat(x, np.arange(0, length, size), axis=axis)
    return np.take(reduced, np.arange(length) // size, axis=axis)
