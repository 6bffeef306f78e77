"""What every sparsity pattern can do: make a mask of scores, and tell how much it keeps and what its index weighs."""

import abc
import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from keras import ops

from source.config.errors import ConfigError
from source.numeric._bits import Tensor
from source.sparsity import _count
from source.sparsity._select import keep_largest, order_keys


class Pattern(abc.ABC):
    """A rule that chooses the entries to keep: exact counts, and of equal scores the earlier, on every backend.

    Higher scores live; NaN is lowest, subnormal numbers count as zero. `str()` of a pattern is a name that
    `source.sparsity.sparsity_pattern` reads back to an equal pattern.

    Attributes:
        density: share of entries, or groups of them, that live.
        is_random: whether masks are drawn, so that `mask` takes a seed.
    """

    density: float
    is_random = False

    def mask(self, scores: Any, density: float | Tensor | None = None, seed: int | Tensor | None = None) -> Tensor:
        """Returns which entries live.

        Args:
            scores: numbers in the shape of the weight, an array or a tensor.
            density: instead of the pattern's own, in [0, 1]; a scalar tensor counts in millionths.
            seed: of patterns that draw, an integer or a scalar int32 tensor; None takes the pattern's.

        Returns:
            bool tensor in the shape of the scores; True lives.

        Raises:
            ConfigError: when the pattern cannot be laid on the shape, for an impossible density, and for a density
                or a seed that the pattern has no use for.
        """
        if seed is not None and not self.is_random:
            raise ConfigError(f"`seed` has no effect on `{self}`; leave it out. Received: seed={seed}.")
        scores = ops.cast(ops.convert_to_tensor(scores), "float32")
        self.check(scores.shape, "the scores")
        return self._mask(scores, self._density(density), seed)

    def kept(self, shape: Sequence[int], density: float | Tensor | None = None) -> int:
        """Returns how many entries `mask` keeps, exactly.

        Args:
            shape: of the weight.
            density: as for `mask`.

        Raises:
            ConfigError: as `mask`, and for `BERN`, which keeps as many as the draw has it.
        """
        self.check(shape, "the shape")
        return int(self._kept(tuple(shape), self._density(density)))

    def check(self, shape: Sequence[int | None], layer_text: str) -> None:
        """Refuses a weight that the pattern cannot be laid on.

        Args:
            shape: of the weight.
            layer_text: what the weight is called in the message, such as "`conv1/kernel`".

        Raises:
            ConfigError: when there are no entries, or axes or lengths do not suit.
        """
        if not all(shape):  # a length may be unknown, or zero
            problem: str | None = "it has no entries, or a length is unknown."
        else:
            problem = self._problem(tuple(int(length) for length in shape if length))
        if problem:
            raise ConfigError(f"`{self}` cannot be laid on {layer_text}: {problem} Received: shape={tuple(shape)}.")

    @abc.abstractmethod
    def index_bytes(self, shape: Sequence[int]) -> int:
        """Returns the bytes that say where the kept entries are.

        Args:
            shape: of the weight.
        """

    @abc.abstractmethod
    def _mask(self, scores: Tensor, density: float | Tensor, seed: int | Tensor | None) -> Tensor:
        """Returns the mask of float32 scores of a shape that was checked."""

    @abc.abstractmethod
    def _kept(self, shape: tuple[int, ...], density: float | Tensor) -> int | Tensor:
        """Returns how many entries of a shape that was checked live."""

    def _density(self, given: float | Tensor | None) -> float | Tensor:
        """Returns the density to use, where one may be given instead of the pattern's own."""
        return self.density if given is None else given

    def _problem(self, shape: tuple[int, ...]) -> str | None:
        """Returns why the pattern cannot be laid on a shape, a sentence; None if it can."""
        return None


@dataclasses.dataclass(frozen=True)
class GroupPattern(Pattern):
    """Keeps round(groups * density) groups of entries, halves up: those with the largest sum of scores.

    For the magnitudes of weights that sum is the L1 norm of the group.

    Attributes:
        density: share of groups that live, in (0, 1].
    """

    density: float

    def __post_init__(self) -> None:
        if not 0.0 < self.density <= 1.0:
            raise ConfigError(f"`density` must be in (0, 1]. Received: density={self.density}.")

    @abc.abstractmethod
    def groups(self, shape: Sequence[int]) -> int:
        """Returns how many groups, of equal size, a weight has.

        Args:
            shape: of the weight.
        """

    @abc.abstractmethod
    def group_scores(self, scores: Tensor) -> Tensor:
        """Returns the sum of scores of each group.

        Args:
            scores: float32 in the shape of the weight.

        Returns:
            float32 of shape (groups,), in the order in which the groups begin.
        """

    @abc.abstractmethod
    def expand(self, mask: Tensor, shape: Sequence[int]) -> Tensor:
        """Returns the mask of entries that a mask of groups means.

        Args:
            mask: bool of shape (groups,).
            shape: of the weight.
        """

    def index_bytes(self, shape: Sequence[int]) -> int:
        """Returns ceil(groups / 8): one bit a group."""
        self.check(shape, "the shape")
        return -(-self.groups(shape) // 8)

    def _mask(self, scores: Tensor, density: float | Tensor, seed: int | Tensor | None) -> Tensor:
        keys = order_keys(self.group_scores(scores))
        kept = _count.share(self.groups(scores.shape), density)
        return self.expand(keep_largest(keys, kept, axis=0), scores.shape)

    def _kept(self, shape: tuple[int, ...], density: float | Tensor) -> int | Tensor:
        groups = self.groups(shape)
        return int(_count.share(groups, density)) * (math.prod(shape) // groups)
