"""One pass over encoded examples, decoded in parallel: which are good, how large they are, and their pixels."""

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from source.inputter import _image, _store
from source.inputter._examples import Encoded, Examples, Files, Pixels
from source.inputter._faults import BadExample, Faults

_BATCH = 64
_SAMPLES = 16
_UNEXPLAINED = "the image could not be read"

Decode = Callable[[tf.Tensor], tf.Tensor]


@dataclasses.dataclass(frozen=True)
class Scan:
    """What a pass found.

    Attributes:
        kept: int64 (k,), the positions of the good examples, rising.
        shapes: int64 (k, 3), height, width and channels of the good ones.
        store: the pixels of the good ones; None if they were not wanted or do not fit.
    """

    kept: np.ndarray
    shapes: np.ndarray
    store: _store.Store | None


@dataclasses.dataclass(frozen=True)
class Need:
    """What makes an image usable.

    Attributes:
        depth: channels to decode to, or None for what the file has.
        min_side: fewest pixels that either side may have.
    """

    depth: int | None
    min_side: int

    def decode(self, contents: tf.Tensor) -> tf.Tensor:
        """Returns the pixels of one encoded image, uint8 (h, w, c); refuses an image that is too small."""
        image = _image.decode(contents, self.depth)
        shortest = tf.reduce_min(tf.shape(image)[:2])
        with tf.control_dependencies([tf.debugging.assert_greater_equal(shortest, self.min_side)]):
            return tf.identity(image)


def scan(
    examples: Examples,
    need: Need,
    faults: Faults,
    limit_bytes: int = 0,
    threads: int | None = None,
    give_up: bool = False,
) -> Scan | None:
    """Returns what one pass over encoded examples finds, decoding them in parallel.

    Args:
        examples: encoded examples.
        need: what makes an image usable.
        faults: what to do with a bad one.
        limit_bytes: most memory that pixels may take; 0 keeps none.
        threads: how many decode at a time; None lets `tf.data` choose.
        give_up: return None as soon as pixels do not fit, instead of going on without keeping them.

    Raises:
        DataError: naming file and row of the first bad example, if `faults` says to stop.
    """
    kept: list[np.ndarray] = []
    shapes: list[np.ndarray] = []
    pixels: list[np.ndarray] = []
    size, keep = 0, limit_bytes > 0
    for index, shape, flat in _passes(examples, need, faults, threads, keep):
        kept.append(index)
        shapes.append(shape)
        size += len(flat)
        if keep and size > limit_bytes:
            if give_up:
                return None
            keep, pixels = False, []
        if keep:
            pixels.append(flat)
    if not kept:
        return Scan(np.zeros(0, np.int64), np.zeros((0, 3), np.int64), None)
    all_shapes = np.concatenate(shapes).astype(np.int64)
    return Scan(np.concatenate(kept), all_shapes, _store.store(pixels, all_shapes) if keep else None)


def first_bad(examples: Examples, order: np.ndarray, need: Need) -> BadExample | None:
    """Returns the first bad one of the examples at the positions `order`, or None.

    Args:
        examples: encoded examples.
        order: positions in the order in which they are to be looked at.
        need: what makes an image usable.
    """
    seen = 0
    for place, _ in _decoded(examples, need, order, None, keep=False):
        missing = np.setdiff1d(np.arange(seen, place[-1] + 1), place)
        if len(missing):
            return explain(examples, int(order[missing[0]]), need)
        seen = int(place[-1]) + 1
    return explain(examples, int(order[seen]), need) if seen < len(order) else None


def explain(examples: Examples, index: int, need: Need) -> BadExample:
    """Returns in words why the example at a position cannot be used, by reading it again.

    Args:
        examples: encoded examples.
        index: the position of a bad one.
        need: what makes an image usable.
    """
    payload = _encoded(examples)
    name = f"{payload.paths[index]}: " if isinstance(payload, Files) and examples.origin.row_of is not None else ""
    try:
        reason = _image.explain(payload.read(index), need.depth or 3, need.min_side)
    except FileNotFoundError:
        reason = "there is no such file"
    except OSError as error:
        reason = f"the file cannot be read ({error.strerror})"
    return examples.origin.bad(index, f"{name}{reason or _UNEXPLAINED}")


def sample(examples: Examples, need: Need) -> tuple[np.ndarray, BadExample | None]:
    """Returns height, width and channels (k, 3) of a few good examples, evenly spread, and the first bad one met.

    Args:
        examples: encoded examples.
        need: what makes an image usable.
    """
    order = np.unique(np.linspace(0, len(examples) - 1, _SAMPLES).astype(np.int64))
    found = list(_decoded(examples, need, order, None, keep=False))
    missing = np.setdiff1d(np.arange(len(order)), np.concatenate([place for place, _ in found]) if found else [])
    bad = explain(examples, int(order[missing[0]]), need) if len(missing) else None
    return np.concatenate([shape for _, shape in found]) if found else np.zeros((0, 3), np.int64), bad


def _passes(
    examples: Examples, need: Need, faults: Faults, threads: int | None, keep: bool
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yields positions, shapes and flat pixels of good examples, and reports those left out in between."""
    seen, order = 0, np.arange(len(examples))
    for index, shape, *flat in _decoded(examples, need, order, threads, keep):
        _report(examples, np.setdiff1d(np.arange(seen, index[-1] + 1), index), need, faults)
        seen = int(index[-1]) + 1
        yield index, shape, flat[0] if flat else np.zeros(0, np.uint8)
    _report(examples, np.arange(seen, len(examples)), need, faults)


def _report(examples: Examples, missing: np.ndarray, need: Need, faults: Faults) -> None:
    for index in missing:
        faults.add(explain(examples, int(index), need))


def _decoded(
    examples: Examples, need: Need, order: np.ndarray, threads: int | None, keep: bool
) -> Iterator[tuple[np.ndarray, ...]]:
    """Yields (places in `order`, shapes, flat pixels if wanted) of the examples that decode, in that order."""
    read = _encoded(examples).reader()

    @tf.autograph.experimental.do_not_convert
    def load(place: tf.Tensor, index: tf.Tensor) -> tuple[tf.Tensor, ...]:
        image = need.decode(read(index))
        shape = tf.shape(image)
        return (place, shape, tf.reshape(image, [-1])) if keep else (place, shape)

    dataset = tf.data.Dataset.from_tensor_slices((np.arange(len(order)), order))
    dataset = dataset.map(load, num_parallel_calls=threads or tf.data.AUTOTUNE, deterministic=True)
    for batch in dataset.ignore_errors().ragged_batch(_BATCH).prefetch(2):
        yield tuple(_flat(part) for part in batch)


def _encoded(examples: Examples) -> Files | Encoded:
    if isinstance(examples.payload, Pixels):
        raise TypeError("Only encoded examples are scanned. Received: pixels.")
    return examples.payload


def _flat(part: tf.Tensor | tf.RaggedTensor) -> np.ndarray:
    return part.flat_values.numpy() if isinstance(part, tf.RaggedTensor) else part.numpy()
