"""Binary numbers: plus and minus one scale."""

import dataclasses

from keras import ops

from source.numeric._bits import SMALLEST_NORMAL, Tensor, float32
from source.numeric._groups import Group, check_group, group_text
from source.numeric._mean import mean_magnitude
from source.numeric.codebook import Codebook
from source.numeric.rounding import Rounding
from source.numeric.scaled import FloatScales


@dataclasses.dataclass(frozen=True)
class Binary(FloatScales):
    """Numbers -s and s with s = mean |x|: s where x >= 0, else -s.

    Rastegari et al.: XNOR-Net, 2016, https://arxiv.org/abs/1603.05279

    Attributes:
        group: what shares a scale: "tensor", or "channel", the indices of the axis given to `round`.
    """

    group: Group = "tensor"

    @property
    def rounding(self) -> Rounding:  # type: ignore[override]
        """By the sign; the format has no other way."""
        return "nearest"

    @property
    def element(self) -> Codebook:
        """-1 and 1."""
        return Codebook((-1.0, 1.0))

    @property
    def sharing(self) -> Group:
        """What shares a scale."""
        return self.group

    def _scale(self, blocks: Tensor, axes: tuple[int, ...]) -> Tensor:
        return mean_magnitude(blocks, axes)

    def _levels(self, blocks: Tensor, axes: tuple[int, ...], scale: Tensor, seed: int | Tensor | None) -> Tensor:
        return ops.where(blocks <= -SMALLEST_NORMAL, -1.0, float32(1.0))

    def _check(self) -> None:
        check_group(self.group, blocks=False)

    def __str__(self) -> str:
        return f"binary{group_text(self.group)}"
