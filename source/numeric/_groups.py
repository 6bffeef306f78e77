"""Which numbers share a scale: a whole tensor, a channel, or the blocks along an axis."""

import math
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from keras import ops

from source.config.errors import ConfigError
from source.numeric._bits import Tensor

Group: TypeAlias = "str | int"  # "tensor", "channel", or the size of a block


class Blocks(NamedTuple):
    """A tensor seen as groups.

    Attributes:
        values: the numbers, perhaps in another shape and padded with zeros.
        axes: the axes of `values` that a group extends over.
        merge: brings numbers in the shape of `values` back to the tensor's shape.
    """

    values: Tensor
    axes: tuple[int, ...]
    merge: Callable[[Tensor], Tensor]


def check_group(group: Group, blocks: bool = True) -> None:
    """Refuses what is no group.

    Args:
        group: as in settings.
        blocks: whether blocks are groups of the format. Means are not taken of them: the last may be padded.

    Raises:
        ConfigError: for another word, or a size that is not positive.
    """
    if group in ("tensor", "channel") or (blocks and isinstance(group, int) and group > 0):
        return
    if not blocks:
        raise ConfigError(f'A mean is taken over a "tensor" or a "channel". Received: group={group!r}.')
    raise ConfigError(f'A group must be "tensor", "channel" or a positive block size. Received: {group!r}.')


def group_text(group: Group) -> str:
    """Returns what stands behind a format's name: nothing, `<channel>` or `<64>`."""
    return "" if group == "tensor" else f"<{group}>"


def axis_from_start(axis: int, rank: int) -> int:
    """Returns an axis counted from the first.

    Raises:
        ConfigError: for an axis that a tensor of this rank does not have.
    """
    if not -rank <= axis < rank:
        raise ConfigError(f"`axis` must be in [{-rank}, {rank}) for {rank} axes. Received: axis={axis}.")
    return axis % rank


def split(x: Tensor, axis: int, group: Group) -> Blocks:
    """Returns a tensor as groups.

    Args:
        x: a tensor; the axis' length must be known when blocks lie along it.
        axis: the axis along which blocks lie, or whose indices are the channels.
        group: what shares a scale. A last block may be shorter; it is a group of its own.
    """
    rank = len(x.shape)
    if group == "tensor":
        return Blocks(x, tuple(range(rank)), _same)
    axis = axis_from_start(axis, rank)
    if group == "channel":
        return Blocks(x, tuple(other for other in range(rank) if other != axis), _same)
    return _split_blocks(x, axis, int(group))


def _split_blocks(x: Tensor, axis: int, size: int) -> Blocks:
    length = _known_length(x, axis)
    size = max(1, min(size, length))
    shape = tuple(ops.shape(x))
    missing = -length % size
    padded = (*shape[:axis], length + missing, *shape[axis + 1 :])
    if missing:
        x = ops.pad(x, [(0, missing if other == axis else 0) for other in range(len(shape))])
    crop = (*[slice(None)] * axis, slice(length))

    def merge(values: Tensor) -> Tensor:
        whole = ops.reshape(values, padded)
        return whole[crop] if missing else whole

    if axis == len(shape) - 1:
        return Blocks(ops.reshape(x, (-1, size)), (1,), merge)
    blocks = (*shape[:axis], (length + missing) // size, size, *shape[axis + 1 :])
    return Blocks(ops.reshape(x, blocks), (axis + 1,), merge)


def count(shape: tuple[int, ...], axis: int, group: Group) -> int:
    """Returns how many groups a tensor of this shape has."""
    if group == "tensor":
        return 1
    axis = axis_from_start(axis, len(shape))
    if group == "channel":
        return shape[axis]
    return math.prod(shape) // max(1, shape[axis]) * -(-shape[axis] // int(group))


def scale_shape(blocks: Tensor, axes: tuple[int, ...]) -> tuple[int, ...]:
    """Returns the shape of the scales of groups: that of the blocks with size one along the groups."""
    return tuple(1 if axis in axes else int(length) for axis, length in enumerate(blocks.shape))


def _known_length(x: Tensor, axis: int) -> int:
    length = x.shape[axis]
    if length is None:
        raise ConfigError(f"The length of the axis of blocks must be known. Received: shape={x.shape}, axis={axis}.")
    return int(length)


def _same(values: Tensor) -> Tensor:
    return values
