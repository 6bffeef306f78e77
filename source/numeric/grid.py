"""Which integers and scales a tensor is made of, found in its float32 numbers alone."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from source.config.errors import ConfigError

_CANDIDATES = 1 << 21  # scales that are tried at once
_PROBES = 16  # numbers of a channel that a scale is tried on before all of them


def channel_grid(
    weight: np.ndarray, axis: int | Sequence[int] = -1, bits: int = 8
) -> tuple[np.ndarray, np.ndarray] | None:
    """Returns the codes n and the scales s with float32(n) * s = w in float32; None if a channel has none.

    Of several scales of a channel, that of the smallest codes is returned. A channel of zeros has scale 1. Minus zero
    counts as zero. Numbers that were never rounded to integers have none, but for channels with a single magnitude
    beside zero, which always have.

    Args:
        weight: float32 of any shape.
        axis: the axes whose indices are channels; () for one scale for the tensor.
        bits: of a code, 2 to 16: |n| <= 2^(bits - 1) - 1.

    Returns:
        int32 of the shape of the weight, and positive float32 that broadcasts with it: size 1 along other axes.

    Raises:
        ConfigError: for other widths.
    """
    if not 2 <= bits <= 16:
        raise ConfigError(f"`bits` must be in [2, 16]. Received: bits={bits}.")
    weight = np.asarray(weight, np.float32)
    kept = sorted(each % weight.ndim for each in ([axis] if isinstance(axis, int) else axis))
    shape = [length if place in kept else 1 for place, length in enumerate(weight.shape)]
    channels = math.prod(shape)
    if not weight.size:
        return np.zeros(weight.shape, np.int32), np.ones(shape, np.float32)
    order = [*kept, *(place for place in range(weight.ndim) if place not in kept)]
    rows = np.ascontiguousarray(np.transpose(weight, order)).reshape(channels, -1)
    scales = _scales(rows, (1 << (bits - 1)) - 1) if np.isfinite(rows).all() else None
    if scales is None:
        return None
    scales = scales.reshape(shape)
    return np.rint(weight / scales).astype(np.int32), scales


def _scales(rows: np.ndarray, highest: int) -> np.ndarray | None:
    """Returns the scale of each row of numbers; None if a row has none."""
    scales = np.ones(len(rows), np.float32)
    [busy] = np.nonzero(rows.any(axis=1))
    at_once = max(1, _CANDIDATES // (3 * highest))
    for start in range(0, len(busy), at_once):
        chunk = busy[start : start + at_once]
        found = _scales_of_some(rows[chunk], highest)
        if found is None:
            return None
        scales[chunk] = found
    return scales


def _scales_of_some(rows: np.ndarray, highest: int) -> np.ndarray | None:
    row, steps = _candidates(rows, highest)
    for probe in _probes(rows):
        fits = _on_grid(probe[row], steps, highest)
        row, steps = row[fits], steps[fits]
        if not row.size:
            return None
    return _first_that_holds(rows, row, steps, highest)


def _candidates(rows: np.ndarray, highest: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns all s with float32(k) * s = max |w| for k = 1, 2, ..., and the row of each; the coarsest first."""
    largest = np.abs(rows).max(axis=1)
    codes = np.arange(1, highest + 1, dtype=np.float32)
    near = largest[:, np.newaxis] / codes
    with np.errstate(over="ignore"):
        # Rounding moves a product by half an ulp at most, so that the quotient is at most one number away.
        ends = [np.nextafter(near, np.float32(np.inf)), near, np.nextafter(near, np.float32(0.0))]
        steps = np.stack(ends, axis=-1)
        fits = (steps * codes[:, np.newaxis] == largest[:, np.newaxis, np.newaxis]) & (steps > 0)
    return np.nonzero(fits)[0], steps[fits]


def _probes(rows: np.ndarray) -> Iterator[np.ndarray]:
    """Yields one number of each row at a time, the least that is not zero first: it has the smallest code."""
    magnitudes = np.abs(rows)
    yield np.where(magnitudes > 0, magnitudes, np.inf).min(axis=1)
    for place in np.linspace(0, rows.shape[1] - 1, min(_PROBES, rows.shape[1])).astype(int):
        yield rows[:, place]


def _on_grid(numbers: np.ndarray, steps: np.ndarray, highest: int) -> np.ndarray:
    with np.errstate(over="ignore"):
        codes = np.rint(numbers / steps)
        return (codes * steps == numbers) & (np.abs(codes) <= highest)


def _first_that_holds(rows: np.ndarray, row: np.ndarray, steps: np.ndarray, highest: int) -> np.ndarray | None:
    """Returns the first candidate of each row that holds all of its numbers; None if a row has none."""
    scales = np.zeros(len(rows), np.float32)
    while (open_rows := np.flatnonzero(scales == 0)).size:
        last = np.searchsorted(row, open_rows, side="right")
        first = np.searchsorted(row, open_rows)
        if (first == last).any():
            return None
        tried = steps[first]
        holds = _on_grid(rows[open_rows], tried[:, np.newaxis], highest).all(axis=1)
        scales[open_rows[holds]] = tried[holds]
        row, steps = np.delete(row, first), np.delete(steps, first)
    return scales
