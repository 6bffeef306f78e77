"""Patterns: which entries of a weight live, given a score for each."""

import dataclasses
import math
from collections.abc import Sequence
from typing import ClassVar

from keras import ops

from source.config.errors import ConfigError
from source.numeric import _counter
from source.numeric._bits import Tensor
from source.sparsity import _count
from source.sparsity._select import keep_largest, order_keys
from source.sparsity._sum import column_sums
from source.sparsity.base import GroupPattern, Pattern

__all__ = ["Bernoulli", "Block", "Channel", "Dense", "GroupPattern", "Kernel", "NOfM", "Pattern", "TopK"]


@dataclasses.dataclass(frozen=True)
class TopK(GroupPattern):
    """Keeps the round(entries * density) entries with the largest scores, wherever they are: `TOPK{0.5}`.

    Attributes:
        density: share of entries that live, in (0, 1].
    """

    def groups(self, shape: Sequence[int]) -> int:
        """Returns the number of entries."""
        return math.prod(shape)

    def group_scores(self, scores: Tensor) -> Tensor:
        """Returns the scores as a vector."""
        return ops.reshape(scores, (-1,))

    def expand(self, mask: Tensor, shape: Sequence[int]) -> Tensor:
        """Returns the mask in the shape of the weight."""
        return ops.reshape(mask, tuple(shape))

    def __str__(self) -> str:
        return f"TOPK{{{self.density!r}}}"


@dataclasses.dataclass(frozen=True)
class Block(GroupPattern):
    """Keeps whole blocks of a weight seen as a matrix, its last axis being the columns: `BLOCK{0.5,4x4}`.

    The kernel of a convolution, (h, w, c_in, c_out), has h * w * c_in rows and c_out columns.

    Attributes:
        density: share of blocks that live, in (0, 1].
        shape: rows and columns of a block; they must divide those of the matrix.
    """

    shape: tuple[int, int] = (4, 4)

    def __post_init__(self) -> None:
        super().__post_init__()
        sizes = tuple(self.shape)
        if len(sizes) != 2 or min(sizes) < 1 or sizes == (1, 1):
            raise ConfigError(
                f"`shape` of a block must be two positive integers, not both 1. Received: shape={self.shape}."
            )
        object.__setattr__(self, "shape", sizes)

    def groups(self, shape: Sequence[int]) -> int:
        """Returns the number of blocks."""
        return math.prod(shape) // math.prod(self.shape)

    def group_scores(self, scores: Tensor) -> Tensor:
        """Returns the sum of scores of each block, row by row of blocks."""
        rows, height, columns, width = self._grid(scores.shape)
        blocks = ops.reshape(scores, (rows, height, columns, width))
        return column_sums(ops.reshape(ops.transpose(blocks, (1, 3, 0, 2)), (height * width, rows * columns)))

    def expand(self, mask: Tensor, shape: Sequence[int]) -> Tensor:
        """Returns the mask with every block filled."""
        grid = self._grid(shape)
        blocks = ops.reshape(mask, (grid[0], 1, grid[2], 1))
        return ops.reshape(ops.broadcast_to(blocks, grid), tuple(shape))

    def _grid(self, shape: Sequence[int]) -> tuple[int, int, int, int]:
        height, width = self.shape
        return math.prod(shape[:-1]) // height, height, shape[-1] // width, width

    def _problem(self, shape: tuple[int, ...]) -> str | None:
        if len(shape) < 2:
            return "it needs at least two axes."
        rows, columns = math.prod(shape[:-1]), shape[-1]
        if rows % self.shape[0] or columns % self.shape[1]:
            return f"blocks of {self.shape[0]} x {self.shape[1]} do not divide its {rows} rows and {columns} columns."
        return None

    def __str__(self) -> str:
        return f"BLOCK{{{self.density!r},{self.shape[0]}x{self.shape[1]}}}"


@dataclasses.dataclass(frozen=True)
class Kernel(GroupPattern):
    """Keeps whole spatial kernels of a convolution, one for each input and output channel: `KERNEL{0.5}`.

    Attributes:
        density: share of the c_in * c_out kernels that live, in (0, 1].
    """

    def groups(self, shape: Sequence[int]) -> int:
        """Returns c_in * c_out."""
        return shape[-2] * shape[-1]

    def group_scores(self, scores: Tensor) -> Tensor:
        """Returns the sum of scores of each spatial kernel, in the order of (c_in, c_out)."""
        return column_sums(ops.reshape(scores, (-1, self.groups(scores.shape))))

    def expand(self, mask: Tensor, shape: Sequence[int]) -> Tensor:
        """Returns the mask, the same at every position."""
        return ops.broadcast_to(ops.reshape(mask, tuple(shape[-2:])), tuple(shape))

    def _problem(self, shape: tuple[int, ...]) -> str | None:
        return None if len(shape) >= 3 else "it needs the spatial axes of a convolution's kernel before the channels."

    def __str__(self) -> str:
        return f"KERNEL{{{self.density!r}}}"


@dataclasses.dataclass(frozen=True)
class Channel(GroupPattern):
    """Keeps whole channels: `CHANNEL{0.5,-1}`.

    Attributes:
        density: share of channels that live, in (0, 1].
        axis: whose indices are the channels; -1, the output channels of most Keras kernels.
    """

    axis: int = -1

    def groups(self, shape: Sequence[int]) -> int:
        """Returns the length of the axis."""
        return shape[self.axis]

    def group_scores(self, scores: Tensor) -> Tensor:
        """Returns the sum of scores of each channel."""
        return column_sums(ops.reshape(ops.moveaxis(scores, self.axis, -1), (-1, self.groups(scores.shape))))

    def expand(self, mask: Tensor, shape: Sequence[int]) -> Tensor:
        """Returns the mask with every channel filled."""
        axis = self.axis % len(shape)
        ones = [length if place == axis else 1 for place, length in enumerate(shape)]
        return ops.broadcast_to(ops.reshape(mask, ones), tuple(shape))

    def _problem(self, shape: tuple[int, ...]) -> str | None:
        return _missing_axis(self.axis, shape)

    def __str__(self) -> str:
        return f"CHANNEL{{{self.density!r},{self.axis}}}"


@dataclasses.dataclass(frozen=True)
class NOfM(Pattern):
    """Keeps the K largest scores of every B consecutive entries along an axis: `BTOPK{2:4,-1}`.

    A last group of r < B entries keeps ceil(K * r / B). With another density d, K is round(B * d), halves up.

    Attributes:
        keep: K, at least 1.
        of: B, at least K.
        axis: along which groups lie. The products of a Keras kernel are summed along -2, its input channels.
    """

    keep: int
    of: int
    axis: int = -1

    def __post_init__(self) -> None:
        if not 1 <= self.keep <= self.of:
            raise ConfigError(f"A group of {self.of} must keep 1 to {self.of} entries. Received: keep={self.keep}.")

    @property
    def density(self) -> float:  # type: ignore[override]
        """K / B."""
        return self.keep / self.of

    def index_bytes(self, shape: Sequence[int]) -> int:
        """Returns the bytes of ceil(log2(C(B, K))) bits a group; a last, shorter group has its own B and K."""
        self.check(shape, "the shape")
        full, rest = divmod(shape[self.axis], self.of)
        bits = full * _choice_bits(self.of, self.keep)
        bits += _choice_bits(rest, _part(self.keep, rest, self.of))
        return -(-bits * (math.prod(shape) // shape[self.axis]) // 8)

    def _mask(self, scores: Tensor, density: float | Tensor, seed: int | Tensor | None) -> Tensor:
        shape = tuple(scores.shape)
        axis = self.axis % len(shape)
        around = math.prod(shape[:axis]), math.prod(shape[axis + 1 :])
        keys = ops.reshape(order_keys(scores), (around[0], shape[axis], around[1]))
        full, rest = divmod(shape[axis], self.of)
        kept = _count.share(self.of, density)
        parts = []
        if full:
            groups = ops.reshape(keys[:, : full * self.of], (around[0], full, self.of, around[1]))
            chosen = keep_largest(groups, kept, axis=2)
            parts.append(ops.reshape(chosen, (around[0], full * self.of, around[1])))
        if rest:
            parts.append(keep_largest(keys[:, full * self.of :], _part(kept, rest, self.of), axis=1))
        return ops.reshape(ops.concatenate(parts, axis=1), shape)

    def _kept(self, shape: tuple[int, ...], density: float | Tensor) -> int | Tensor:
        full, rest = divmod(shape[self.axis], self.of)
        kept = int(_count.share(self.of, density))
        return (full * kept + int(_part(kept, rest, self.of))) * (math.prod(shape) // shape[self.axis])

    def _problem(self, shape: tuple[int, ...]) -> str | None:
        problem = _missing_axis(self.axis, shape)
        if problem is None and self.keep < self.of and shape[self.axis] == 1:
            return f"axis {self.axis} has one entry, which would always be kept."
        return problem

    def __str__(self) -> str:
        return f"BTOPK{{{self.keep}:{self.of},{self.axis}}}"


@dataclasses.dataclass(frozen=True)
class Bernoulli(Pattern):
    """Keeps each entry with the probability that its score is: `BERN`; below 0 never, from 1 always.

    The draw is a function of the seed and the entry's position alone.

    Attributes:
        seed: of the draw, where `mask` is given none; `BERN{7}` has another than 0.
    """

    seed: int = 0
    is_random = True

    @property
    def density(self) -> float:  # type: ignore[override]
        """There is none: the scores are the probabilities."""
        raise ConfigError(f"`{self}` has no density of its own: the scores are the probabilities. Count the mask.")

    def index_bytes(self, shape: Sequence[int]) -> int:
        """Returns ceil(entries / 8): a bitmap."""
        self.check(shape, "the shape")
        return -(-math.prod(shape) // 8)

    def _mask(self, scores: Tensor, density: float | Tensor, seed: int | Tensor | None) -> Tensor:
        return _counter.uniform(scores, self.seed if seed is None else seed) < scores

    def _density(self, given: float | Tensor | None) -> float:
        if given is not None:
            raise ConfigError(f"`density` has no effect on `{self}`: scale the scores. Received: density={given}.")
        return math.nan

    def _kept(self, shape: tuple[int, ...], density: float | Tensor) -> int | Tensor:
        raise ConfigError(f"`{self}` keeps as many entries as the draw has it. Count the mask.")

    def __str__(self) -> str:
        return "BERN" if self.seed == 0 else f"BERN{{{self.seed}}}"


@dataclasses.dataclass(frozen=True)
class Dense(Pattern):
    """Keeps everything: `DENSE`."""

    density: ClassVar[float] = 1.0  # type: ignore[misc]

    def index_bytes(self, shape: Sequence[int]) -> int:
        """Returns 0."""
        self.check(shape, "the shape")
        return 0

    def _mask(self, scores: Tensor, density: float | Tensor, seed: int | Tensor | None) -> Tensor:
        return ops.ones(tuple(scores.shape), "bool")

    def _density(self, given: float | Tensor | None) -> float:
        if given is not None:
            raise ConfigError(f"`density` has no effect on `{self}`; leave it out. Received: density={given}.")
        return 1.0

    def _kept(self, shape: tuple[int, ...], density: float | Tensor) -> int | Tensor:
        return math.prod(shape)

    def __str__(self) -> str:
        return "DENSE"


def _missing_axis(axis: int, shape: tuple[int, ...]) -> str | None:
    return None if -len(shape) <= axis < len(shape) else f"it has no axis {axis}."


def _part(kept: int | Tensor, rest: int, size: int) -> int | Tensor:
    """Returns ceil(kept * rest / size)."""
    if isinstance(kept, int):
        return -(-kept * rest // size)
    return ops.floor_divide(kept * rest + (size - 1), size)


def _choice_bits(size: int, kept: int) -> int:
    """Returns ceil(log2(C(size, kept)))."""
    return (math.comb(size, kept) - 1).bit_length()
