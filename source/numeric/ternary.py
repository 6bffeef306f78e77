"""Ternary numbers: minus, zero and plus one scale."""

import dataclasses

from keras import ops

from source.config.errors import ConfigError
from source.numeric import _bits
from source.numeric._bits import Tensor
from source.numeric._groups import Group, check_group
from source.numeric._mean import mean_magnitude
from source.numeric.codebook import Codebook
from source.numeric.rounding import Rounding
from source.numeric.scaled import FloatScales

_DEFAULT_THRESHOLD = 0.7  # of ternary weight networks


@dataclasses.dataclass(frozen=True)
class Ternary(FloatScales):
    """Numbers -s, 0 and s: the sign of x where |x| > d, times s.

    Without a fixed scale d = threshold * mean |x|, and s is the mean of |x| over |x| > d (Li, Liu: Ternary weight
    networks, 2016, https://arxiv.org/abs/1605.04711). With one, d = threshold * scale.

    Attributes:
        threshold: not negative; 0.7 is the paper's. With a fixed scale 0.5 rounds to the nearest number, and 0 keeps
            zeros alone.
        fixed_scale: s, positive; None takes it from the numbers.
        group: what shares a scale: "tensor", or "channel", the indices of the axis given to `round`.
    """

    threshold: float = _DEFAULT_THRESHOLD
    fixed_scale: float | None = None
    group: Group = "tensor"

    @property
    def rounding(self) -> Rounding:  # type: ignore[override]
        """By the threshold; the format has no other way."""
        return "nearest"

    @property
    def element(self) -> Codebook:
        """-1, 0 and 1."""
        return Codebook((-1.0, 0.0, 1.0))

    @property
    def sharing(self) -> Group:
        """What shares a scale."""
        return self.group

    def _scale(self, blocks: Tensor, axes: tuple[int, ...]) -> Tensor:
        if self.fixed_scale is None:
            return mean_magnitude(blocks, axes, ops.abs(blocks) > self._border(blocks, axes))
        holds_nan = _bits.largest_magnitude(blocks, axes) > _bits.EXPONENT
        return ops.where(holds_nan, float("nan"), _bits.float32(self.fixed_scale))

    def _border(self, blocks: Tensor, axes: tuple[int, ...]) -> Tensor | float:
        if self.fixed_scale is not None:
            return self.threshold * self.fixed_scale
        return mean_magnitude(blocks, axes) * self.threshold

    def _levels(self, blocks: Tensor, axes: tuple[int, ...], scale: Tensor, seed: int | Tensor | None) -> Tensor:
        live = ops.abs(blocks) > self._border(blocks, axes)
        return ops.where(ops.logical_or(live, ops.isnan(blocks)), ops.sign(blocks), 0.0)

    def _check(self) -> None:
        check_group(self.group, blocks=False)
        if not 0.0 <= self.threshold <= 100.0:
            raise ConfigError(f"`threshold` must be in [0, 100]. Received: threshold={self.threshold}.")
        if self.fixed_scale is not None and not 2.0**-100 <= self.fixed_scale <= 2.0**100:
            raise ConfigError(f"A fixed scale must be in [2^-100, 2^100]. Received: scale={self.fixed_scale}.")

    def __str__(self) -> str:
        options = [] if self.group == "tensor" else [str(self.group)]
        options += [] if self.fixed_scale is None else [f"scale={self.fixed_scale!r}"]
        options += [] if self.threshold == _DEFAULT_THRESHOLD else [f"threshold={self.threshold!r}"]
        return "ternary" + (f"<{','.join(options)}>" if options else "")
