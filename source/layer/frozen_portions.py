"""Weights that are rounded a portion at a time: what is rounded stays as it is, the rest trains on."""

import math
from collections.abc import Sequence
from typing import Any, Literal

import keras
import numpy as np
from keras import ops

from source.config.errors import ConfigError
from source.layer.transformation import Tensor, Transformation
from source.numeric.format import NumberFormat
from source.numeric.grammar import number_format
from source.numeric.packing import packed_size
from source.sparsity import score

Policy = Literal["magnitude", "error", "random"]


@keras.saving.register_keras_serializable(package="espalier")
class FrozenPortions(Transformation):
    """The rounded number where an entry is frozen, w elsewhere; nothing at first.

    Rounded numbers are stored, so that neither gradients, of which frozen entries get none, nor momentum and decay of
    the weight behind move what is seen. A zero, such as a mask leaves, is seen as zero whatever was stored.

    Where a scale follows the largest number of a tensor, channel or block, that number is frozen with the first portion
    and bounds those that come after it, so that all portions have one grid. The last portion rounds all together, which
    moves frozen numbers only where a format takes its scales from means.

    Attributes:
        format: the number format.
        axis: along which blocks lie, or whose indices have scales each.
        policy: which entries go first: "magnitude", the largest; "error", those nearest to what they are rounded to;
            "random".
        count_zero: whether portions are shares of all entries, or of those that are not zero.
        seed: of policy "random".
    """

    _ends_together = True

    def __init__(
        self,
        format: str | NumberFormat,
        axis: int = -1,
        policy: Policy = "magnitude",
        count_zero: bool = False,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.format = number_format(str(format))
        self.axis = axis
        self.policy = policy
        self.count_zero = count_zero
        self.seed = seed
        if policy not in ("magnitude", "error", "random"):
            raise ConfigError(f"`policy` must be magnitude, error or random. Received: policy={policy!r}.")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates what is frozen, the numbers there, and the portion that was reached."""
        super().build(input_shape)
        settings: dict[str, Any] = {"initializer": "zeros", "trainable": False, "aggregation": "only_first_replica"}
        self.frozen = self.add_weight(name="frozen", shape=input_shape, dtype="bool", **settings)
        self.stored = self.add_weight(name="stored", shape=input_shape, **settings)
        self.portion = self.add_weight(name="portion", shape=(), **settings)

    def transform(self, x: Tensor, training: bool) -> Tensor:
        """Returns x with the stored numbers where it is frozen."""
        stored = ops.where(ops.equal(x, 0.0), 0.0, ops.convert_to_tensor(self.stored))
        return ops.where(ops.convert_to_tensor(self.frozen), stored, x)

    def freeze(self, x: Tensor, portion: float) -> None:
        """Freezes more entries, until round(entries * portion) are frozen; none, if as many are already.

        Args:
            x: the weight as it enters here, float32.
            portion: cumulative, in (0, 1]; 1 freezes all.
        """
        if portion <= self.reached:
            return
        numbers, frozen = _array(x), _array(self.frozen).astype(bool)
        stored = np.where(numbers == 0.0, np.float32(0.0), _array(self.stored))
        seen = np.where(frozen, stored, self._bounded(numbers, stored, frozen))
        rounded = self._rounded(seen)
        chosen = np.ones_like(frozen) if portion >= 1 else self._chosen(numbers, seen, rounded, frozen, portion)
        kept = rounded if portion >= 1 and self._ends_together else np.where(frozen, stored, rounded)
        self.stored.assign(np.where(chosen, kept, np.float32(0.0)))
        self.frozen.assign(chosen)
        self.portion.assign(portion)

    @property
    def reached(self) -> float:
        """The portion that is frozen, rounded to 6 decimals."""
        return round(float(ops.convert_to_numpy(self.portion)), 6)

    @property
    def code_bits(self) -> float | None:
        """Bits of a code once all entries are frozen; None before."""
        return self.format.bits if self.reached >= 1 else None

    def scale_bytes(self, shape: Sequence[int]) -> int:
        """Returns the bytes of scales, zero points and tables."""
        return self.format.nbytes(shape, self.axis) - packed_size(math.prod(shape), self.format.bits)

    @property
    def description(self) -> str:
        """The name of the format, and how much of the weight is rounded to it."""
        return f"{self.format} {self.reached:.4g} frozen"

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments as plain values."""
        settings = {name: getattr(self, name) for name in ("axis", "policy", "count_zero", "seed")}
        return {**super().get_config(), "format": str(self.format), **settings}

    def _rounded(self, x: np.ndarray) -> np.ndarray:
        seed = self.seed if self.format.rounding == "stochastic" else None
        return np.asarray(self.format.round(x, axis=self.axis, seed=seed), np.float32)

    def _chosen(
        self, x: np.ndarray, seen: np.ndarray, rounded: np.ndarray, frozen: np.ndarray, portion: float
    ) -> np.ndarray:
        """Returns what is frozen once the portion is reached."""
        counted = np.ones_like(frozen) if self.count_zero else x != 0.0
        target = math.floor(np.count_nonzero(counted) * round(portion, 6) + 0.5)
        more = max(0, target - np.count_nonzero(frozen & counted))
        scores = np.where(counted & ~frozen, self._scores(seen, rounded), -np.inf)
        free = np.count_nonzero(counted & ~frozen)
        order = np.argsort(-scores.reshape(-1), kind="stable")[: min(more, free)]
        chosen = frozen.copy()
        chosen.reshape(-1)[order] = True
        return chosen

    def _scores(self, seen: np.ndarray, rounded: np.ndarray) -> np.ndarray:
        magnitude = np.abs(seen)
        if self.policy == "magnitude":
            scores = magnitude
        elif self.policy == "error":
            scores = -np.abs(seen - rounded)
        else:
            scores = _array(score.random(seen.shape, self.seed))
        sets_scale = self._has_scales(seen.shape) & (magnitude == self._largest(magnitude)) & (magnitude > 0.0)
        return np.where(sets_scale, np.inf, scores)

    def _bounded(self, x: np.ndarray, stored: np.ndarray, frozen: np.ndarray) -> np.ndarray:
        """Returns x no larger than the largest frozen number that shares its scale."""
        if not self._has_scales(x.shape) or not frozen.any():
            return x
        limit = self._largest(np.where(frozen, np.abs(stored), 0.0))
        limit = np.where(limit > 0.0, limit, np.inf).astype(np.float32)
        return np.clip(x, -limit, limit)

    def _has_scales(self, shape: Sequence[int]) -> bool:
        return self.scale_bytes(shape) > 0

    def _largest(self, magnitude: np.ndarray) -> np.ndarray:
        """Returns, for each entry, the largest of those that share its scale."""
        group = self.format.sharing
        if group == "tensor":
            return np.full_like(magnitude, magnitude.max(initial=0.0))
        axis = self.axis % magnitude.ndim
        if group == "channel":
            others = tuple(other for other in range(magnitude.ndim) if other != axis)
            return np.broadcast_to(magnitude.max(axis=others, keepdims=True), magnitude.shape)
        starts = np.arange(0, magnitude.shape[axis], int(group))
        largest = np.maximum.reduceat(magnitude, starts, axis=axis)
        return np.repeat(largest, int(group), axis=axis).take(range(magnitude.shape[axis]), axis=axis)


def _array(x: Any) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(x))
