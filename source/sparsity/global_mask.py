"""Masks of many tensors at once: the best entries of all together, wherever they are."""

import math
from collections.abc import Sequence

from keras import ops

from source.config.errors import ConfigError
from source.numeric._bits import Tensor
from source.sparsity import _count
from source.sparsity._select import HIGHEST, keep_largest, order_keys


def global_masks(
    scores: Sequence[Tensor], density: float | Tensor, floors: float | Sequence[float] | None = None
) -> list[Tensor]:
    """Returns the masks that keep the round(total * density) highest scores of all tensors together.

    Of equal scores that of the earlier tensor, then of the earlier index, is kept. Where a floor holds, a tensor's
    own round(entries * floor) best entries are kept first, and the rest of the count goes to the best of the rest.
    To keep groups of entries, such as channels, give `group_scores` of their patterns and `expand` the masks.

    Args:
        scores: one tensor for each weight, of known shapes; comparable with each other.
        density: in [0, 1]; a scalar tensor counts in millionths.
        floors: least density of each tensor, one number for all or one for each, in [0, 1].

    Returns:
        bool tensors in the shapes of the scores.

    Raises:
        ConfigError: without scores, for impossible densities, and when the floors ask for more than the density
            keeps; with a tensor as the density the floors are kept, and nothing else.
    """
    shapes = [tuple(each.shape) for each in scores]
    if not shapes or not all(all(shape) for shape in shapes):
        raise ConfigError(f"Global masks need tensors with entries, of known shapes. Received: shapes={shapes}.")
    keys = [ops.reshape(order_keys(ops.convert_to_tensor(each)), (-1,)) for each in scores]
    kept = _count.share(sum(map(math.prod, shapes)), density)
    if floors is not None:
        least = _least([math.prod(shape) for shape in shapes], floors)
        kept = _at_least(sum(least), kept)
        keys = [_first_of_all(each, count) for each, count in zip(keys, least, strict=True)]
    flat = keep_largest(ops.concatenate(keys), kept, axis=0)
    ends = [sum(map(math.prod, shapes[: place + 1])) for place in range(len(shapes))]
    parts = ops.split(flat, ends[:-1]) if len(ends) > 1 else [flat]
    return [ops.reshape(part, shape) for part, shape in zip(parts, shapes, strict=True)]


def _least(sizes: list[int], floors: float | Sequence[float]) -> list[int]:
    """Returns how many entries each tensor keeps at least."""
    each = list(floors) if isinstance(floors, Sequence) else [floors] * len(sizes)
    if len(each) != len(sizes):
        raise ConfigError(f"`floors` must be one number, or one for each of {len(sizes)} tensors. Received: {each}.")
    for floor in each:
        if not 0.0 <= floor <= 1.0:
            raise ConfigError(f"`floors` must be in [0, 1]. Received: {floor}.")
    return [int(_count.share(size, floor)) for size, floor in zip(sizes, each, strict=True)]


def _at_least(least: int, kept: int | Tensor) -> int | Tensor:
    if not isinstance(kept, int):
        return ops.maximum(kept, least)
    if least > kept:
        raise ConfigError(f"`floors` ask for {least} entries, and `density` keeps {kept}. Lower the floors.")
    return kept


def _first_of_all(keys: Tensor, count: int) -> Tensor:
    """Returns the keys with the `count` largest above all others."""
    return ops.where(keep_largest(keys, count, axis=0), HIGHEST, keys)
